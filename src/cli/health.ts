/**
 * `usher health`: does the usher beside it live? For the health checks of containers, which run it every few seconds, so
 * that it loads next to nothing.
 */
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { formatHostPort } from '../address.js';
import { type HostPort, isWildcard, readListen } from '../control/config/host-port.js';
import { EXIT } from './exit-codes.js';
import { printableLine } from './printable.js';
import type { RunIo } from './run.js';

/** The options of `usher health`, as commander hands them over. */
export interface HealthOptions {
  readonly admin?: string | undefined;
  readonly config?: string | undefined;
  /** Ask whether it should get connections, and not only whether it lives. */
  readonly ready?: boolean | undefined;
}

export interface HealthIo extends RunIo {
  readonly stdout: { write(text: string): unknown };
}

const ADMIN = '127.0.0.1:9180';
const LOOPBACK = '127.0.0.1';
/** Below the 3 s that a container's check has for all of it. */
const TIMEOUT_MS = 2_000;
const MAX_ANSWER = 1_000;

class Unhealthy extends Error {}

/** Asks once. @returns the exit code: 0 it does; 64 where the words make no sense; else 1, and why on `stderr` */
export async function health(options: HealthOptions, io: HealthIo, timeoutMs = TIMEOUT_MS): Promise<number> {
  const given = options.admin === undefined ? undefined : readListen(options.admin);
  if (given !== undefined && !('value' in given)) {
    io.stderr.write(`usher health: --admin: ${printableLine(given.fault)}\n`);
    return EXIT.wrongUsage;
  }
  try {
    const address = given?.value ?? (await adminOf(options.config ?? io.env['USHER_CONFIG']));
    io.stdout.write(`${await ask(address, options.ready === true ? '/readyz' : '/livez', timeoutMs)}\n`);
    return EXIT.fine;
  } catch (error) {
    io.stderr.write(`usher health: ${printableLine((error as Error).message)}\n`);
    return EXIT.failed;
  }
}

/** Where a configuration has its admin listener; it is read for that only, and whatever else is wrong in it is no matter. */
async function adminOf(file: string | undefined): Promise<HostPort> {
  const admin = file === undefined || file === '' ? undefined : await writtenAdmin(file);
  if (admin === 'off' || admin === false) throw new Unhealthy('the configuration has no admin listener to ask');
  const { listen = ADMIN } = (admin ?? {}) as { listen?: unknown };
  const reading = readListen(listen);
  if (!('value' in reading)) throw new Unhealthy(`${file}: admin.listen: ${reading.fault}`);
  return reading.value;
}

async function writtenAdmin(file: string): Promise<unknown> {
  try {
    const { parse } = await import('yaml');
    return (parse(readFileSync(file, 'utf8')) as { admin?: unknown } | null)?.admin;
  } catch (error) {
    throw new Unhealthy(
      `${file} cannot be read for admin.listen (${(error as Error).message}): write --admin HOST:PORT`,
    );
  }
}

function ask({ host, port }: HostPort, path: string, timeoutMs: number): Promise<string> {
  const address = { host: isWildcard(host) ? LOOPBACK : host, port };
  const signal = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => {
      const why = signal.aborted ? `no answer within ${timeoutMs / 1000} s` : (error.code ?? error.message);
      reject(new Unhealthy(`the admin listener at ${formatHostPort(address.host, port)} cannot be asked: ${why}`));
    };
    const request = get({ ...address, path, agent: false, signal, headers: { Host: 'localhost' } });
    request.on('error', fail);
    request.on('response', response => {
      let body = '';
      response.setEncoding('utf8').on('data', text => {
        body = (body + text).slice(0, MAX_ANSWER);
      });
      response.on('error', fail);
      response.on('end', () => {
        const words = printableLine(body.trim());
        if (response.statusCode === 200) resolve(words);
        else reject(new Unhealthy(`${path} answered ${response.statusCode}: ${words}`));
      });
    });
  });
}
