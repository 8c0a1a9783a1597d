/** A command line that asks for something that can't be: the message is one sentence for the person who wrote it. */
export class UsageError extends Error {
  override name = 'UsageError';
}
