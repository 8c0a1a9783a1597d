/** Reload: the file is read again, and counts as a whole or not at all. */
import { BindError } from '../listener/listener.js';
import type { Logger } from '../observe/log.js';
import type { Settings } from '../settings.js';
import { type Changes, changesBetween, changeWords } from './changes.js';
import { type ConfigResult, formatProblem, type Problem } from './config/load.js';

/**
 * What came of it, with lines for who asked. `refused`: there was nothing to try (usher drains, or has no file); with it
 * as with everything but `reloaded` nothing has changed.
 */
export interface ReloadOutcome {
  readonly kind: 'reloaded' | 'bad-configuration' | 'cannot-bind' | 'refused' | 'failed';
  readonly lines: readonly string[];
}

export interface ReloadHost {
  /** Left out: there is no file. */
  readonly load: (() => Promise<ConfigResult>) | undefined;
  readonly draining: () => boolean;
  /** Port of the admin listener, as bound. */
  readonly adminPort: () => number | undefined;
  /** All or nothing; rejects with `BindError`. @returns false: usher doesn't run any more */
  readonly swap: (settings: Settings) => Promise<boolean>;
  /** Told in the turn in which the new settings count. */
  readonly swapped: (settings: Settings) => void;
  readonly failed: () => void;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

const NO_FILE: ReloadOutcome = {
  kind: 'refused',
  lines: ['this usher was started without a file (usher run --config FILE), so there is nothing to load again'],
};
const DRAINING: ReloadOutcome = { kind: 'refused', lines: ['usher is draining, and nothing changes any more'] };

export class Reloader {
  private current: Settings;
  private running: Promise<ReloadOutcome> | undefined;
  private next: Promise<ReloadOutcome> | undefined;

  /** @param started what usher runs with */
  constructor(
    private readonly started: Settings,
    private readonly host: ReloadHost,
  ) {
    this.current = started;
  }

  /**
   * Loads the file and swaps, or says what is wrong with it. Never two at a time: all who ask while one is under way get
   * one more behind it, which sees what they have written. Never rejects.
   * @param why who asked, for the log
   */
  reload(why: string): Promise<ReloadOutcome> {
    if (this.running === undefined) {
      this.running = this.once(why).finally(() => {
        this.running = undefined;
      });
      return this.running;
    }
    this.next ??= this.running.then(() => {
      this.next = undefined;
      return this.reload(why);
    });
    return this.next;
  }

  private async once(why: string): Promise<ReloadOutcome> {
    const { load, logger, failed } = this.host;
    if (load === undefined || this.host.draining()) return this.refuse(why, load === undefined ? NO_FILE : DRAINING);
    try {
      const result = await load();
      if (result.ok) return await this.take(why, result.settings, result.warnings);
      return this.bad(why, [...result.problems, ...result.warnings]);
    } catch (error) {
      failed();
      if (error instanceof BindError) return this.unbound(why, error);
      logger.error({ why, err: error }, 'the configuration could not be reloaded; nothing has changed');
      return { kind: 'failed', lines: ['usher could not reload; its log says why'] };
    }
  }

  private refuse(why: string, outcome: ReloadOutcome): ReloadOutcome {
    this.host.logger.warn({ why }, `not reloaded: ${outcome.lines[0]}`);
    return outcome;
  }

  private async take(why: string, settings: Settings, warnings: readonly Problem[]): Promise<ReloadOutcome> {
    const { swap, swapped, logger } = this.host;
    if (!(await swap(settings))) return this.refuse(why, DRAINING);
    const changes = changesBetween(this.started, this.current, settings);
    this.current = settings;
    swapped(settings);
    this.tell(warnings);
    logger.info({ why, ...logged(changes) }, 'configuration reloaded');
    return { kind: 'reloaded', lines: [...changeWords(changes), ...warnings.map(formatProblem)] };
  }

  private bad(why: string, problems: readonly Problem[]): ReloadOutcome {
    this.host.failed();
    this.tell(problems);
    const errors = problems.filter(({ severity }) => severity === 'error').length;
    this.host.logger.error({ why, problems: errors }, 'the configuration is bad; nothing has changed');
    return { kind: 'bad-configuration', lines: problems.map(formatProblem) };
  }

  private unbound(why: string, error: BindError): ReloadOutcome {
    const { address, port, code } = error;
    const isAdmin = code === 'EADDRINUSE' && port === this.host.adminPort();
    const words = 'the admin listener of this usher has that port until a restart';
    const { message } = isAdmin ? new BindError(address, code, words) : error;
    this.host.logger.error({ why, code }, `${message}; nothing has changed`);
    return { kind: 'cannot-bind', lines: [message] };
  }

  private tell(problems: readonly Problem[]): void {
    for (const problem of problems) {
      const { rule, severity, file, line, column, path } = problem;
      const place = line === 0 ? { file } : { file, line, column, path };
      this.host.logger[severity === 'error' ? 'error' : 'warn']({ rule, ...place }, formatProblem(problem));
    }
  }
}

/** Without what is empty, so that the line can be read. */
function logged(changes: Changes): object {
  const full = (object: object): object =>
    Object.fromEntries(Object.entries(object).flatMap(([key, value]) => withContent(key, value)));
  const withContent = (key: string, value: unknown): [string, unknown][] => {
    const content = Array.isArray(value) ? value : full(value as object);
    return Object.keys(content).length === 0 ? [] : [[key, content]];
  };
  return full(changes);
}
