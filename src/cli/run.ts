/** `usher run`: from flags or a file to a running usher, and until it has stopped. */

import { settingsFromFlags } from '../control/config/from-flags.js';
import { type ConfigResult, formatProblem, loadConfigFileSync } from '../control/config/load.js';
import { Lifecycle } from '../control/lifecycle.js';
import { stopOnSignals } from '../control/signals.js';
import { BindError } from '../listener/listener.js';
import { createLogger } from '../observe/log.js';
import { EXIT } from './exit-codes.js';
import { printableLine } from './printable.js';

/** The options of `usher run`, as commander hands them over. */
export interface RunOptions {
  readonly config?: string | undefined;
  readonly listen?: string | undefined;
  readonly backendPort?: string | undefined;
  readonly proxyProtocol?: string | undefined;
  readonly trustedSource?: readonly string[] | undefined;
  readonly admin?: string | undefined;
  /** Words that belong to no option: a file without `--config`, mostly. */
  readonly rest?: readonly string[] | undefined;
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
  const usher = prepare(loaded, io);
  if (usher === undefined) return EXIT.badConfiguration;
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
  const usher = prepare(loadConfigFileSync(file), io);
  if (usher === undefined) throw new Error(`${file} is not a usable configuration`);
  await usher.start();
  return usher;
}

function load(options: RunOptions, fromEnvironment: string | undefined): ConfigResult | string {
  const { config, rest: [word] = [], ...flags } = options;
  if (word !== undefined) return `${printableLine(word)} belongs to no option: ${USAGE}`;
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

/** An usher that is not started; undefined where the configuration is bad, and every problem has been told then. */
function prepare(result: ConfigResult, io: RunIo): Lifecycle | undefined {
  if (!result.ok) {
    for (const problem of [...result.problems, ...result.warnings]) io.stderr.write(`${formatProblem(problem)}\n`);
    return undefined;
  }
  const { settings, warnings } = result;
  const logger = createLogger(settings.log);
  for (const warning of warnings) logger.warn({ rule: warning.rule }, formatProblem(warning));
  return new Lifecycle(settings, logger);
}
