/** One line that says what is being measured: overwritten on a terminal, else a new one each time. */
import type { WriteStream } from 'node:tty';

const CLEAR_LINE = '\r\x1b[K';

export class Progress {
  private done = 0;

  constructor(
    private readonly stream: Pick<WriteStream, 'isTTY' | 'write'>,
    private readonly total: number,
  ) {}

  /** A measurement begins. */
  next(what: string): void {
    this.done += 1;
    const line = `[${this.done}/${this.total}] ${what}`;
    this.stream.write(this.stream.isTTY ? `${CLEAR_LINE}${line}` : `${line}\n`);
  }

  /** Before anything else is written. */
  clear(): void {
    if (this.stream.isTTY) this.stream.write(CLEAR_LINE);
  }
}
