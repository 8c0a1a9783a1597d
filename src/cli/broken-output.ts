/** Standard output that takes no more, under commands that print and end. */
import { EXIT } from './exit-codes.js';

/** What it listens to; `process` has this shape. */
export interface OutputIo {
  readonly stdout: { on(event: 'error', listener: (error: Error) => void): unknown };
  readonly stderr: { write(text: string): unknown };
  exitCode?: number | string | null | undefined;
  once(event: 'exit', listener: () => void): unknown;
}

/** Commands that run until somebody ends them: what is printed by those is a log. */
const LASTING: ReadonlySet<string> = new Set(['run', 'demo']);

/**
 * A reader that has seen enough, such as `head`, is no fault: the exit code stays that of the command. With a full disk it is
 * 1, whatever the command says, for what was written is not whole.
 */
export function bearBrokenOutput(command: string, process: OutputIo): void {
  if (LASTING.has(command)) return;
  process.stdout.on('error', error => {
    const code = 'code' in error ? String(error.code) : error.message;
    if (code === 'EPIPE') return;
    process.stderr.write(`usher: standard output cannot be written (${code}): what is there is not whole\n`);
    process.once('exit', () => {
      process.exitCode = EXIT.failed;
    });
  });
}
