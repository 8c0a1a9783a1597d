/** Writes one head out of another. */
import type { Fields } from './fields.js';

/** What a head is written to: a wire. Text has no characters above U+00FF. */
export interface HeadSink {
  write(text: string): void;
  writePart(source: Buffer | string, from: number, to: number): void;
}

/** Neighbouring lines that go on as they came are copied together, from where they are. */
export class HeadWriter {
  /** Bytes written so far. */
  private count = 0;
  /** What goes behind them, and in front of the run. */
  private text: string;
  private runStart: number;
  private runEnd: number;

  /**
   * @param source where the head stands from its first byte on
   * @param startLine undefined: the one that came
   */
  constructor(
    private readonly sink: HeadSink,
    private readonly fields: Fields,
    private readonly source: Buffer | string,
    startLine: string | undefined,
  ) {
    this.runStart = startLine === undefined ? 0 : fields.start;
    this.runEnd = fields.start;
    this.text = startLine ?? '';
  }

  /** The field as it came, in the canonical form of its line. */
  keep(index: number): void {
    const { fields } = this;
    if (!fields.isCanonical(index)) {
      this.add(`${fields.name(index)}: ${fields.value(index)}\r\n`);
      return;
    }
    const start = fields.lineStart(index);
    if (start !== this.runEnd) {
      this.endRun();
      this.runStart = start;
    }
    this.runEnd = fields.lineEnd(index);
  }

  /** The field with a value that usher has understood. */
  keepAs(index: number, value: string): void {
    if (this.fields.value(index) === value) this.keep(index);
    else this.add(`${this.fields.name(index)}: ${value}\r\n`);
  }

  add(text: string): void {
    this.endRun();
    this.text += text;
  }

  /**
   * @param last behind the fields, with the empty line
   * @returns how many bytes the head has
   */
  end(last: string): number {
    this.add(last);
    this.writeText();
    return this.count;
  }

  private endRun(): void {
    const { runStart, runEnd } = this;
    if (runEnd > runStart) {
      this.writeText();
      this.sink.writePart(this.source, runStart, runEnd);
      this.count += runEnd - runStart;
    }
    this.runStart = runEnd;
  }

  private writeText(): void {
    if (this.text === '') return;
    this.sink.write(this.text);
    this.count += this.text.length;
    this.text = '';
  }
}
