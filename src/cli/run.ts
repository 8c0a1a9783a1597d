/** `usher run`: from flags or a file to a running usher, and until it has stopped. */

import { ConfigFile } from '../control/config/file.js';
import { settingsFromFlags } from '../control/config/from-flags.js';
import { type ConfigResult, formatProblem } from '../control/config/load.js';
import { filesMissing } from '../control/files-needed.js';
import { speakLastWords } from '../control/last-words.js';
import { Lifecycle } from '../control/lifecycle.js';
import { openFiles } from '../control/open-files.js';
import { reloadOnHangup, stopOnSignals } from '../control/signals.js';
import { systemdNotifier } from '../control/systemd.js';
import { tidyMemory } from '../control/tidy-memory.js';
import { BindError } from '../listener/listener.js';
import { createLogger, type Logger } from '../observe/log.js';
import type { Settings } from '../settings.js';
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
  /** Reload when the file changes. */
  readonly watch?: boolean | undefined;
  /** Look whether the limit of open files is high enough, and warn (true) or refuse to start (`strict`). */
  readonly checkFds?: boolean | string | undefined;
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
  const prepared = prepare(loaded.result, io, loaded.file);
  if (prepared === undefined || !mayStart(prepared, options, io)) return EXIT.badConfiguration;
  const forget = speakLastWords(prepared.logger, () => prepared.usher.openConnections);
  try {
    return await runToTheEnd(prepared, options, io);
  } finally {
    forget();
  }
}

async function runToTheEnd({ usher, logger }: Prepared, options: RunOptions, io: RunIo): Promise<number> {
  const notify = systemdNotifier(io.env, logger);
  const started = usher.start();
  // Its default would end the process; one that comes this early is served when there is something to change.
  const forgetHangup = reloadOnHangup({ reload: why => started.then(() => usher.reload(why), ignore) });
  try {
    await started;
  } catch (error) {
    if (!(error instanceof BindError)) throw error;
    io.stderr.write(`${error.message}\n`);
    return EXIT.cannotBind;
  }
  if (options.watch === true) usher.watchFile();
  const told = notify('READY=1', 'STATUS=listening');
  // One behind the other, or a late READY would be the last word.
  void Promise.all([told, usher.drainBegun]).then(() => notify('STOPPING=1', 'STATUS=draining'));
  const stopTidying = tidyMemory();
  await Promise.race([stopOnSignals(usher), usher.stopped]);
  stopTidying();
  forgetHangup();
  return EXIT.fine;
}

function ignore(): void {}

/** Starts usher from a file and leaves it running; rejects with one sentence when the file is bad. */
export async function startFromFile(file: string, io: RunIo): Promise<Lifecycle> {
  const config = new ConfigFile(file);
  const prepared = prepare(config.loadSync(), io, config);
  if (prepared === undefined) throw new Error(`${file} is not a usable configuration`);
  await prepared.usher.start();
  return prepared.usher;
}

interface Loaded {
  readonly result: ConfigResult;
  /** Where it came from; undefined: from flags. */
  readonly file?: ConfigFile;
}

/** Or what is wrong with the words. */
function load(options: RunOptions, fromEnvironment: string | undefined): Loaded | string {
  const { config, watch, rest: [word] = [], checkFds, ...flags } = options;
  if (word !== undefined) return `${printableLine(word)} belongs to no option: ${USAGE}`;
  if (typeof checkFds === 'string' && checkFds !== STRICT) return `--check-fds takes nothing, or ${STRICT}: ${USAGE}`;
  const flagged = Object.values(flags).some(value => value !== undefined && value.length > 0);
  if (config !== undefined && flagged) return `--config and the flags of a listener exclude each other: ${USAGE}`;
  if (flagged) {
    if (watch === true) return `--watch goes with a file: ${USAGE}`;
    if (flags.listen === undefined || flags.backendPort === undefined) {
      return `--listen and --backend-port go together: ${USAGE}`;
    }
    return { result: settingsFromFlags(flags) };
  }
  const file = config ?? fromEnvironment;
  if (file === undefined || file === '') return `no configuration: ${USAGE}, or set USHER_CONFIG`;
  const configFile = new ConfigFile(file);
  return { result: configFile.loadSync(), file: configFile };
}

interface Prepared {
  readonly usher: Lifecycle;
  readonly settings: Settings;
  readonly logger: Logger;
}

/** An usher that is not started; undefined where the configuration is bad, and every problem has been told then. */
function prepare(result: ConfigResult, io: RunIo, file: ConfigFile | undefined): Prepared | undefined {
  if (!result.ok) {
    for (const problem of [...result.problems, ...result.warnings]) io.stderr.write(`${formatProblem(problem)}\n`);
    return undefined;
  }
  const { settings, warnings } = result;
  const logger = createLogger(settings.log);
  for (const warning of warnings) logger.warn({ rule: warning.rule }, formatProblem(warning));
  return { usher: new Lifecycle(settings, logger, file), settings, logger };
}

const STRICT = 'strict';
const FILES_RULE = 'open-files-limit';

/** Whether there are enough files for it, as far as that was asked. */
function mayStart({ settings, logger }: Prepared, { checkFds }: RunOptions, io: RunIo): boolean {
  if (checkFds === undefined) return true;
  const missing = filesMissing(settings, openFiles());
  if (missing === undefined) return true;
  if (checkFds === STRICT) io.stderr.write(`--check-fds: ${missing} [${FILES_RULE}]\n`);
  else logger.warn({ rule: FILES_RULE }, missing);
  return checkFds !== STRICT;
}
