/** What a process says before it ends of an error that nobody expected. */
import process from 'node:process';
import { inspect } from 'node:util';
import type { Logger } from '../observe/log.js';

const FAILED = 1;

/**
 * From now on an uncaught error, or a rejected promise that nobody waits for, is logged and ends the process: what state
 * it left behind is unknown. The log is flushed on the way out.
 *
 * @param connections how many are open: they are cut off
 * @returns takes it back
 */
export function speakLastWords(logger: Logger, connections: () => number): () => void {
  function end(fault: unknown, origin: string): void {
    try {
      const err = fault instanceof Error ? fault : new Error(inspect(fault));
      logger.fatal({ err, origin, connections: connections() }, 'usher ends: it met an error that nobody expected');
    } finally {
      process.exit(FAILED);
    }
  }
  const onException = (fault: unknown) => end(fault, 'uncaughtException');
  const onRejection = (fault: unknown) => end(fault, 'unhandledRejection');
  process.on('uncaughtException', onException);
  process.on('unhandledRejection', onRejection);
  return () => {
    process.off('uncaughtException', onException);
    process.off('unhandledRejection', onRejection);
  };
}
