/**
 * Where frames begin and end in one direction of a WebSocket (RFC 6455 5.2). Pure, and blind to everything but the 2 to 14
 * bytes of each frame's header: payloads are skipped by their length, so compression and masks don't matter.
 */

const FIN = 0x80;
const OPCODE = 0x0f;
const MASKED = 0x80;
const LENGTH = 0x7f;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASK_BYTES = 4;
/** Opcodes from here on are of control frames, which may stand between the frames of a message (RFC 6455 5.4). */
const CONTROL = 0x08;
const CLOSE = 0x08;

/** Behind which frame {@link FrameScanner.scanTo} stops. */
export type Stop = 'frame' | 'message';

export class FrameScanner {
  /** A Close frame has begun: nothing follows it in this direction (RFC 6455 5.5.1). */
  closing = false;
  /** A message has begun whose last frame is still to come. */
  private inMessage = false;
  /** Bytes of a header so far; 0: none has begun. */
  private headerAt = 0;
  private headerBytes = 0;
  private lengthEnd = 0;
  private first = 0;
  private length = 0;
  /** Payload bytes still to come. */
  private left = 0;

  /** Whether a frame may stand here: the last byte was the last of a frame, or none has come. */
  get betweenFrames(): boolean {
    return this.headerAt === 0 && this.left === 0;
  }

  /** Whether a message may stand here: the last byte was the last of a message, or none has come. */
  get betweenMessages(): boolean {
    return this.betweenFrames && !this.inMessage;
  }

  /** Takes note of all the bytes. */
  skip(bytes: Buffer): void {
    // A piece of a large frame, or one small frame: the two that nearly every arrival is.
    if (this.left > bytes.length) this.left -= bytes.length;
    else if (!this.skipSmall(bytes)) this.scan(bytes, undefined);
  }

  /** @returns false: it isn't exactly one frame with a length of seven bits */
  private skipSmall(bytes: Buffer): boolean {
    const first = bytes[0];
    const second = bytes[1];
    if (first === undefined || second === undefined || !this.betweenFrames) return false;
    const length = second & LENGTH;
    const headerBytes = (second & MASKED) === 0 ? 2 : 2 + MASK_BYTES;
    if (length >= LENGTH_16 || headerBytes + length !== bytes.length) return false;
    this.begin(first);
    return true;
  }

  /** A frame begins whose first byte is this. */
  private begin(first: number): void {
    const opcode = first & OPCODE;
    if (opcode === CLOSE) this.closing = true;
    else if (opcode < CONTROL) this.inMessage = (first & FIN) === 0;
  }

  /**
   * Takes note of bytes up to the first end of a frame or a message, when there is one in them.
   * @returns the offset behind it, or the number of bytes; {@link betweenFrames} tells which
   */
  scanTo(bytes: Buffer, stop: Stop): number {
    return this.scan(bytes, stop);
  }

  private scan(bytes: Buffer, stop: Stop | undefined): number {
    let at = 0;
    while (at < bytes.length) {
      if (this.left > 0) {
        const used = Math.min(this.left, bytes.length - at);
        this.left -= used;
        at += used;
      } else {
        this.takeHeaderByte(bytes[at] as number);
        at += 1;
      }
      if (stop !== undefined && (stop === 'frame' ? this.betweenFrames : this.betweenMessages)) return at;
    }
    return at;
  }

  private takeHeaderByte(byte: number): void {
    const at = this.headerAt;
    this.headerAt = at + 1;
    if (at === 0) this.first = byte;
    else if (at === 1) this.measure(byte);
    else if (at < this.lengthEnd) this.length = this.length * 256 + byte;
    if (at > 0 && this.headerAt === this.headerBytes) this.endHeader();
  }

  /** The second byte says how long the rest of the header is. */
  private measure(byte: number): void {
    const length = byte & LENGTH;
    const extension = length === LENGTH_16 ? 2 : length === LENGTH_64 ? 8 : 0;
    this.length = extension === 0 ? length : 0;
    this.lengthEnd = 2 + extension;
    this.headerBytes = this.lengthEnd + ((byte & MASKED) === 0 ? 0 : MASK_BYTES);
  }

  private endHeader(): void {
    this.headerAt = 0;
    this.left = this.length;
    this.begin(this.first);
  }
}
