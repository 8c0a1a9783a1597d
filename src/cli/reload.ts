/** `usher reload`: a running usher loads its file again; what it says of that, and an exit code for scripts. */
import { AdminTrouble, ask, readAdmin, unexpected } from './ask-admin.js';
import { EXIT } from './exit-codes.js';
import { printable, printableLine } from './printable.js';
import { UsageError } from './probe-usage.js';

/** The options of `usher reload`, as commander hands them over. */
export interface ReloadOptions {
  readonly admin?: string | undefined;
}

/** Where `reload` writes; the streams of a process fit. */
export interface ReloadIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** For the file and for every address that is bound, names among them. */
const TIMEOUT_MS = 30_000;

/** By the status of the answer. */
const EXIT_CODES: Readonly<Record<number, number>> = {
  200: EXIT.fine,
  422: EXIT.badConfiguration,
  409: EXIT.cannotBind,
};

/**
 * What has changed goes to `stdout`, every problem to `stderr`, each on a line of its own.
 * @returns the exit code: 0; 78 bad configuration, 69 an address can't be bound, else 1: nothing has changed; 64 where the
 *   words make no sense
 */
export async function reload(options: ReloadOptions, io: ReloadIo, timeoutMs = TIMEOUT_MS): Promise<number> {
  try {
    const admin = readAdmin(options.admin);
    const answer = await ask(admin, 'POST', '/reload', { timeoutMs });
    const code = EXIT_CODES[answer.status];
    if (code === undefined || !answer.type.startsWith('text/plain')) throw unexpected(admin, answer);
    const stream = code === EXIT.fine ? io.stdout : io.stderr;
    stream.write(`${printable(answer.body.trimEnd())}\n`);
    if (code !== EXIT.fine) stream.write('usher reload: nothing has changed\n');
    return code;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof AdminTrouble)) throw error;
    io.stderr.write(`usher reload: ${printableLine(error.message)}\n`);
    return error instanceof UsageError ? EXIT.wrongUsage : EXIT.failed;
  }
}
