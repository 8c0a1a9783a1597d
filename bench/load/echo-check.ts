/** Compares a stream of bytes with one expected message that comes again and again. */
export class EchoCheck {
  private at = 0;
  /** Whether every byte so far was the expected one. */
  right = true;

  constructor(private readonly expected: Buffer) {}

  /** Takes the next bytes; answers how many messages they complete. */
  take(bytes: Buffer): number {
    let complete = 0;
    for (let from = 0; from < bytes.length; ) {
      const length = Math.min(bytes.length - from, this.expected.length - this.at);
      if (bytes.compare(this.expected, this.at, this.at + length, from, from + length) !== 0) this.right = false;
      from += length;
      this.at += length;
      if (this.at === this.expected.length) {
        this.at = 0;
        complete += 1;
      }
    }
    return complete;
  }
}
