/** Carries one message body from the bytes of one wire to another wire, framed afresh. */
import type { Code } from '../codes.js';
import type { Wire } from '../wire.js';
import { BodyScanner } from './body-scanner.js';
import type { FieldLimits } from './fields.js';
import type { Framing } from './framing.js';
import { trailerText } from './write-head.js';

export class BodyRelay {
  /** Bytes of the body used so far, framing included. */
  consumed = 0;
  /** False while the target is congested: whoever feeds stops until it drains. */
  flowing = true;
  private readonly scanner: BodyScanner;
  private watcher: ((content: Buffer) => boolean) | undefined;

  /**
   * @param chunked whether the target is sent chunks; else the bare content
   * @param sent told of every write, in bytes
   * @param connectionNames the names that its head listed in Connection
   */
  constructor(
    framing: Framing,
    limits: FieldLimits,
    private readonly target: Wire,
    private readonly chunked: boolean,
    private readonly sent: (bytes: number) => void,
    private readonly connectionNames: readonly string[],
  ) {
    this.scanner = new BodyScanner(framing, limits);
  }

  /** Shows the content, as it goes by, until `watcher` answers that it has seen enough (false). */
  watch(watcher: (content: Buffer) => boolean): void {
    this.watcher = watcher;
  }

  get done(): boolean {
    return this.scanner.done;
  }

  /** Whether only the end of the connection ends the body. */
  get untilClose(): boolean {
    return this.scanner.untilClose;
  }

  /** Offset behind what the last `feed` used; the caller keeps the rest and feeds it again with what follows. */
  get used(): number {
    return this.scanner.used;
  }

  /**
   * Relays the content in `bytes` from offset `from` on, in one write, while not all is {@link done}. A code: the body is
   * malformed.
   */
  feed(bytes: Buffer, from: number): Code | undefined {
    const { scanner, target } = this;
    target.cork();
    let start = 0;
    let end = 0;
    let pieces: Buffer[] | undefined;
    let event = scanner.next(bytes, from);
    while (event === 'data') {
      if (end > 0) {
        pieces ??= [bytes.subarray(start, end)];
        pieces.push(bytes.subarray(scanner.dataStart, scanner.dataEnd));
      }
      start = scanner.dataStart;
      end = scanner.dataEnd;
      event = scanner.next(bytes, scanner.used);
    }
    // The chunks of one arrival become one: a body of single bytes must not cost three writes for each.
    if (pieces !== undefined) {
      const content = Buffer.concat(pieces);
      this.relay(content, 0, content.length);
    } else if (end > 0) this.relay(bytes, start, end);
    if (event === 'done' && this.chunked) this.finish();
    target.uncork();
    this.consumed += scanner.used - from;
    if (event === 'bad') return 'chunk-invalid';
    return event === 'bad-trailer' ? 'trailer-invalid' : undefined;
  }

  /** Ends a body that lasts until close. */
  close(): void {
    if (this.chunked) this.finish();
  }

  /** Looks whether the target took what it was given; call once nothing holds its writes back. */
  settle(): void {
    this.flowing = !this.target.congested;
  }

  /** The content stands from `start` to `end`. */
  private relay(bytes: Buffer, start: number, end: number): void {
    if (this.watcher?.(bytes.subarray(start, end)) === false) this.watcher = undefined;
    if (this.chunked) this.write(`${(end - start).toString(16)}\r\n`);
    this.target.writePart(bytes, start, end);
    this.sent(end - start);
    if (this.chunked) this.write('\r\n');
  }

  private finish(): void {
    this.write(`0\r\n${trailerText(this.scanner.trailers, this.connectionNames)}\r\n`);
  }

  private write(text: string): void {
    this.target.write(text);
    this.sent(text.length);
  }
}
