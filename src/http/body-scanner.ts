/**
 * Finds the content inside the bytes of a message body (RFC 9112 6 and 7): strict, pure, no copy. The caller feeds
 * bytes and keeps those that were not used; the scanner keeps only numbers.
 */
import { type FieldLimits, type Fields, scanFields } from './fields.js';
import type { Framing } from './framing.js';
import { byteAt, CR, FIELD_CONTENT, LF } from './grammar.js';

/**
 * `data`: content stands from `dataStart` to `dataEnd`. `more`: all usable bytes are used. `done`: the body has ended.
 * `bad`: a malformed chunk. `bad-trailer`: a malformed or forbidden trailer section.
 */
export type BodyEvent = 'data' | 'more' | 'done' | 'bad' | 'bad-trailer';

/** Ten hexadecimal digits: one TiB, exact in a number. */
const MAX_SIZE_DIGITS = 10;

const HEX = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(digit) ? -1 : digit;
});

const SEMICOLON = 0x3b;

/** All extensions of a chunk, and of a body; nobody uses them but to exhaust or to confuse a parser (RFC 9112 7.1.1). */
const MAX_EXTENSION_BYTES = 256;
const MAX_ALL_EXTENSION_BYTES = 4096;
const TOKEN_TEXT = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const QUOTED_TEXT = '[^"\\\\\\x00-\\x1f\\x7f]*';
const EXTENSION = `;${TOKEN_TEXT}(?:=(?:${TOKEN_TEXT}|"${QUOTED_TEXT}"))?`;
const EXTENSIONS = new RegExp(`^(?:${EXTENSION})+$`);
const EXTENSIONS_SO_FAR = new RegExp(`^(?:${EXTENSION})*(?:;(?:${TOKEN_TEXT}=(?:"${QUOTED_TEXT})?)?)?$`);

/** Offset of the byte behind the chunk extensions that begin at `from`; negative when they are malformed. */
function extensionEnd(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && FIELD_CONTENT[byteAt(bytes, at)] === 1) at += 1;
  if (at - from > MAX_EXTENSION_BYTES) return -1;
  const grammar = at === bytes.length ? EXTENSIONS_SO_FAR : EXTENSIONS;
  return grammar.test(bytes.toString('latin1', from, at)) ? at : -1;
}

type State = 'none' | 'length' | 'close' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer';

export class BodyScanner {
  dataStart = 0;
  dataEnd = 0;
  /** Offset behind what was used by the last call. */
  used = 0;
  /** Names and values in turn; filled at `done`. */
  trailers: readonly string[] = [];
  done: boolean;
  private state: State;
  private remaining: number;
  private extensionBytes = 0;

  constructor(
    framing: Framing,
    private readonly limits: FieldLimits,
  ) {
    this.state = framing.kind === 'chunked' ? 'chunk-size' : framing.kind;
    this.remaining = framing.kind === 'length' ? framing.length : 0;
    this.done = framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0);
  }

  /** Whether the body lasts until the sender closes. */
  get untilClose(): boolean {
    return this.state === 'close';
  }

  /** Looks at `bytes` from offset `from` on; call again from `used` until it answers something other than `data`. */
  next(bytes: Buffer, from: number): BodyEvent {
    this.used = from;
    while (!this.done) {
      switch (this.state) {
        case 'chunk-data':
        case 'length':
          return this.content(bytes, this.remaining);
        case 'close':
          return this.content(bytes, Number.POSITIVE_INFINITY);
        case 'chunk-end': {
          const event = this.lineEnd(bytes, 'chunk-size');
          if (event !== undefined) return event;
          break;
        }
        case 'chunk-size': {
          const event = this.chunkSize(bytes);
          if (event !== undefined) return event;
          break;
        }
        default:
          return this.trailerSection(bytes);
      }
    }
    return 'done';
  }

  private content(bytes: Buffer, limit: number): BodyEvent {
    const count = Math.min(limit, bytes.length - this.used);
    if (count === 0) return 'more';
    this.dataStart = this.used;
    this.dataEnd = this.used + count;
    this.used = this.dataEnd;
    this.remaining -= count;
    if (this.remaining === 0) {
      if (this.state === 'chunk-data') this.state = 'chunk-end';
      else if (this.state === 'length') this.done = true;
    }
    return 'data';
  }

  private lineEnd(bytes: Buffer, next: State): BodyEvent | undefined {
    const at = this.used;
    if (at < bytes.length && bytes[at] !== CR) return 'bad';
    if (at + 1 < bytes.length && bytes[at + 1] !== LF) return 'bad';
    if (at + 2 > bytes.length) return 'more';
    this.used = at + 2;
    this.state = next;
    return undefined;
  }

  /** `chunk-size [chunk-ext] CRLF` (RFC 9112 7.1). Extensions are checked and dropped. */
  private chunkSize(bytes: Buffer): BodyEvent | undefined {
    let at = this.used;
    let size = 0;
    while (at < bytes.length) {
      const digit = HEX[byteAt(bytes, at)];
      if (digit === undefined || digit < 0) break;
      if (at - this.used === MAX_SIZE_DIGITS) return 'bad';
      size = size * 16 + digit;
      at += 1;
    }
    if (at === this.used && at < bytes.length) return 'bad';
    const sizeEnd = at;
    if (bytes[at] === SEMICOLON) at = extensionEnd(bytes, at);
    if (at < 0) return 'bad';
    if (at === bytes.length) return 'more';
    if (bytes[at] !== CR) return 'bad';
    if (at + 1 === bytes.length) return 'more';
    if (bytes[at + 1] !== LF) return 'bad';
    this.extensionBytes += at - sizeEnd;
    if (this.extensionBytes > MAX_ALL_EXTENSION_BYTES) return 'bad';
    this.used = at + 2;
    this.remaining = size;
    this.state = size === 0 ? 'trailer' : 'chunk-data';
    return undefined;
  }

  private trailerSection(bytes: Buffer): BodyEvent {
    const scan = scanFields(bytes, this.used, this.used, this.limits);
    if (scan.kind === 'more') return 'more';
    if (scan.kind === 'bad' || !areTrailersAllowed(scan.fields)) return 'bad-trailer';
    this.used = scan.end;
    this.trailers = scan.fields.list();
    this.done = true;
    return 'done';
  }
}

/** Fields that a receiver who merges trailers with the header section must not find there (RFC 9110 6.5.1). */
const NEVER_TRAILERS = new Set([
  'authorization',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'set-cookie',
]);

/** Fields for framing, routing, authentication, content format and forwarding must not come in a trailer. */
function areTrailersAllowed(fields: Fields): boolean {
  return fields.kinds.every(
    (kind, index) => (kind === undefined || kind === 'date') && !NEVER_TRAILERS.has(fields.name(index).toLowerCase()),
  );
}
