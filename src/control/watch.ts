/**
 * Looks at the configuration file each second and tells when it holds something new. Not by the system's watching, which
 * follows a file and not its name: Kubernetes replaces a ConfigMap by swapping a symbolic link above it.
 */
import { realpath, stat } from 'node:fs/promises';
import type { Logger } from '../observe/log.js';
import type { ConfigFile } from './config/file.js';

export interface WatchOptions {
  readonly everyMs?: number;
  /** How long the file may be away or unreadable before a word is said of it. */
  readonly patienceMs?: number;
  /** A clock, in milliseconds. */
  readonly now?: () => number;
}

export class ConfigWatch {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  /** What the file was when there was nothing new in it. */
  private settled = '';
  private news: string | undefined;
  private awaySince: number | undefined;
  private warned = false;

  /** @param changed called when the file holds something else than what was loaded last */
  constructor(
    private readonly file: Pick<ConfigFile, 'path' | 'news'>,
    private readonly changed: () => Promise<unknown>,
    private readonly logger: Pick<Logger, 'info' | 'warn'>,
    private readonly options: WatchOptions = {},
  ) {}

  /** Looks again and again; doesn't keep the process alive. */
  start(): void {
    const { everyMs = 1_000 } = this.options;
    this.timer = setTimeout(async () => {
      await this.look();
      if (!this.stopped) this.start();
    }, everyMs).unref();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Never rejects. */
  async look(): Promise<void> {
    try {
      const print = await footprint(this.file.path);
      const news = print === this.settled ? undefined : await this.file.news();
      this.isThere();
      if (news !== undefined) await this.weigh(news);
      else {
        this.settled = print;
        this.news = undefined;
      }
    } catch (error) {
      this.isAway(error);
    }
  }

  /** What is the same in two looks is not being written any more. */
  private async weigh(news: string): Promise<void> {
    const isWhole = news === this.news;
    this.news = isWhole ? undefined : news;
    if (isWhole && !this.stopped) await this.changed();
  }

  private isThere(): void {
    this.awaySince = undefined;
    if (this.warned) this.logger.info({ file: this.file.path }, 'the configuration file can be read again');
    this.warned = false;
  }

  private isAway(error: unknown): void {
    const { now = () => performance.now(), patienceMs = 10_000 } = this.options;
    this.awaySince ??= now();
    if (this.warned || now() - this.awaySince < patienceMs) return;
    this.warned = true;
    const { code = String(error) } = error as NodeJS.ErrnoException;
    this.logger.warn({ file: this.file.path, code }, 'the configuration file cannot be read; usher goes on as it is');
  }
}

/** Of the file that a name leads to now; another one when it is written to or replaced. */
async function footprint(path: string): Promise<string> {
  const real = await realpath(path);
  const { ino, size, mtimeMs } = await stat(real);
  return [real, ino, size, mtimeMs].join(' ');
}
