/** `usher check`: is this configuration good? Nothing is bound. */
import { formatProblem, loadConfigFileSync, type Surroundings } from '../control/config/load.js';
import { parseDuration } from '../control/config/units.js';
import type { Settings } from '../settings.js';
import { printableLine } from './printable.js';

/** The options of `usher check`, as commander hands them over: durations such as 30s. */
export interface CheckOptions {
  /** Between SIGTERM and SIGKILL. */
  readonly stopTimeout?: string | undefined;
  /** After so long without a byte the balancer ends a connection. */
  readonly idleTimeout?: string | undefined;
}

/** Where the answer goes; `process` has this shape. */
export interface CheckOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

const FINE = 0;
const WRONG_USAGE = 64;
const BAD_CONFIGURATION = 78;

/**
 * Checks one file and returns the exit code: 0 with a summary on stdout and warnings on stderr; 78 with every problem
 * on stderr; 64 when no file is named (the caller has looked at `USHER_CONFIG` already), or an option makes no sense.
 */
export function check(
  file: string | undefined,
  { stdout, stderr }: CheckOutput,
  { stopTimeout, idleTimeout }: CheckOptions = {},
): number {
  if (file === undefined || file === '') {
    stderr.write('no file to check: write usher check FILE, or set USHER_CONFIG\n');
    return WRONG_USAGE;
  }
  const around = readAround({ '--stop-timeout': stopTimeout, '--idle-timeout': idleTimeout });
  if (typeof around === 'string') {
    stderr.write(`${around}\n`);
    return WRONG_USAGE;
  }
  const result = loadConfigFileSync(file, around);
  const told = result.ok ? result.warnings : [...result.problems, ...result.warnings];
  for (const problem of told) stderr.write(`${formatProblem(problem)}\n`);
  if (!result.ok) return BAD_CONFIGURATION;
  stdout.write(`${file}: ${summary(result.settings, result.warnings.length)}\n`);
  return FINE;
}

type AroundOption = '--stop-timeout' | '--idle-timeout';

/** What stands around usher, or what is wrong with an option. */
function readAround(given: Readonly<Record<AroundOption, string | undefined>>): Surroundings | string {
  for (const [option, text] of Object.entries(given)) {
    if (text === undefined || (parseDuration(text) ?? 0) > 0) continue;
    return `${option} ${printableLine(text)}: write a duration, such as 60s`;
  }
  const read = (option: AroundOption) => parseDuration(given[option] ?? '');
  return { stopTimeoutMs: read('--stop-timeout'), idleTimeoutMs: read('--idle-timeout') };
}

/** `2 listeners, 2 backends, 3 endpoints, 1 DNS name; 1 warning`. */
function summary({ listeners, backends }: Settings, warnings: number): string {
  const endpoints = backends.reduce((sum, backend) => sum + backend.endpoints.length, 0);
  const names = backends.reduce((sum, backend) => sum + backend.dns.length, 0);
  const parts = [
    counted(listeners.length, 'listener'),
    counted(backends.length, 'backend'),
    counted(endpoints, 'endpoint'),
    ...(names === 0 ? [] : [counted(names, 'DNS name')]),
  ];
  return `${parts.join(', ')}${warnings === 0 ? '' : `; ${counted(warnings, 'warning')}`}`;
}

function counted(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`;
}
