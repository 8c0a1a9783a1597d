/** `usher run`: from flags or a file to a running usher, and until it has stopped. */

import { settingsFromFlags } from '../control/config/from-flags.js';
import { type ConfigResult, formatProblem, loadConfigFileSync } from '../control/config/load.js';
import { Lifecycle } from '../control/lifecycle.js';
import { stopOnSignals } from '../control/signals.js';
import { BindError } from '../listener/listener.js';
import { createLogger } from '../observe/log.js';
import type { Settings } from '../settings.js';
import { EXIT } from './exit-codes.js';

/** The options of `usher run`, as commander hands them over. */
export interface RunOptions {
  readonly config?: string | undefined;
  readonly listen?: string | undefined;
  readonly backendPort?: string | undefined;
  readonly proxyProtocol?: string | undefined;
  readonly trustedSource?: readonly string[] | undefined;
  readonly admin?: string | undefined;
}

export interface RunIo {
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
}

const USAGE = 'write usher run --config FILE, or usher run --listen 8080 --backend-port 3000';

/** Runs until a signal or `POST /drain` has stopped it; answers the exit code. */
export async function run(options: RunOptions, io: RunIo): Promise<number> {
  const loaded = load(options, io.env['USHER_CONFIG']);
  if (typeof loaded === 'string') {
    io.stderr.write(`${loaded}\n`);
    return EXIT.wrongUsage;
  }
  const settings = accept(loaded, io);
  if (settings === undefined) return EXIT.badConfiguration;
  const usher = new Lifecycle(settings, createLogger(settings.log));
  try {
    await usher.start();
  } catch (error) {
    if (!(error instanceof BindError)) throw error;
    io.stderr.write(`${error.message}\n`);
    return EXIT.cannotBind;
  }
  await Promise.race([stopOnSignals(usher), usher.stopped]);
  return EXIT.fine;
}

/** Starts usher from a file and leaves it running; rejects with one sentence when the file is bad. */
export async function startFromFile(file: string, io: RunIo): Promise<Lifecycle> {
  const settings = accept(loadConfigFileSync(file), io);
  if (settings === undefined) throw new Error(`${file} is not a usable configuration`);
  const usher = new Lifecycle(settings, createLogger(settings.log));
  await usher.start();
  return usher;
}

function load(options: RunOptions, fromEnvironment: string | undefined): ConfigResult | string {
  const { config, ...flags } = options;
  const flagged = Object.values(flags).some(value => value !== undefined && value.length > 0);
  if (config !== undefined && flagged) return `--config and the flags of a listener exclude each other: ${USAGE}`;
  if (flagged) {
    if (flags.listen === undefined || flags.backendPort === undefined) {
      return `--listen and --backend-port go together: ${USAGE}`;
    }
    return settingsFromFlags(flags);
  }
  const file = config ?? fromEnvironment;
  return file === undefined || file === ''
    ? `no configuration: ${USAGE}, or set USHER_CONFIG`
    : loadConfigFileSync(file);
}

function accept(result: ConfigResult, io: RunIo): Settings | undefined {
  const told = result.ok ? result.warnings : [...result.problems, ...result.warnings];
  for (const problem of told) io.stderr.write(`${formatProblem(problem)}\n`);
  return result.ok ? result.settings : undefined;
}
