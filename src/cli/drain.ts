/** `usher drain`: asks a running usher to stop as SIGTERM does, and waits, where that is wanted, until it has. */
import { setTimeout as delay } from 'node:timers/promises';
import type { HostPort } from '../control/config/host-port.js';
import type { ProxyStatus } from '../status.js';
import { AdminTrouble, ask, readAdmin, unexpected } from './ask-admin.js';
import { EXIT } from './exit-codes.js';
import { printableLine } from './printable.js';
import { UsageError } from './probe-usage.js';

/** The options of `usher drain`, as commander hands them over. */
export interface DrainOptions {
  readonly wait?: boolean | undefined;
  readonly admin?: string | undefined;
}

/** Where `drain` writes; the streams of a process fit. */
export interface DrainIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** How often and how long; a seam for tests. */
export interface DrainPace {
  /** For one answer of the admin listener. */
  readonly timeoutMs: number;
  /** Between two looks at `/status`. */
  readonly lookMs: number;
  /** Looks from one line of progress to the next. */
  readonly progressLooks: number;
}

const PACE: DrainPace = { timeoutMs: 5_000, lookMs: 250, progressLooks: 12 };

/**
 * What has been reached goes to `stdout`; what is waited for, and what failed, to `stderr`.
 * @returns the exit code: 0 when usher has begun to drain, with `wait` when it has stopped; 64 where the words make no
 *   sense; else 1
 */
export async function drain(options: DrainOptions, io: DrainIo, pace: DrainPace = PACE): Promise<number> {
  try {
    const admin = readAdmin(options.admin);
    const answer = await ask(admin, 'POST', '/drain', pace);
    if (answer.status !== 202) throw unexpected(admin, answer);
    if (options.wait === true) await untilStopped(admin, io, pace);
    io.stdout.write(options.wait === true ? 'usher has stopped\n' : 'usher drains\n');
    return EXIT.fine;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof AdminTrouble)) throw error;
    io.stderr.write(`usher drain: ${printableLine(error.message)}\n`);
    return error instanceof UsageError ? EXIT.wrongUsage : EXIT.failed;
  }
}

/** Looks in a row without an answer that count as the end: one may be lost when a process is busy. */
const SILENT_LOOKS = 2;

/** The admin listener is the last thing that an usher closes. */
async function untilStopped(admin: HostPort, io: DrainIo, pace: DrainPace): Promise<void> {
  let silent = 0;
  for (let looks = 0; silent < SILENT_LOOKS; looks += 1) {
    const status = await look(admin, pace);
    silent = status === undefined ? silent + 1 : 0;
    // Another one has taken its place.
    if (status?.state === 'running' || status?.state === 'starting') return;
    if (status !== undefined && looks % pace.progressLooks === 0) {
      const open = status.listeners.reduce((sum, { connectionsOpen }) => sum + connectionsOpen, 0);
      io.stderr.write(`waiting: ${open} connections are open\n`);
    }
    await delay(pace.lookMs);
  }
}

/** Undefined: nobody answers. */
async function look(admin: HostPort, pace: DrainPace): Promise<ProxyStatus | undefined> {
  const answer = await ask(admin, 'GET', '/status', pace).catch((error: unknown) => {
    if (error instanceof AdminTrouble) return undefined;
    throw error;
  });
  if (answer !== undefined && answer.status !== 200) throw unexpected(admin, answer);
  return answer === undefined ? undefined : (JSON.parse(answer.body) as ProxyStatus);
}
