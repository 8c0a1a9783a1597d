/**
 * Bodies that name their exchange in every piece, and a message reader of our own: what arrives anywhere can be checked
 * for bytes that belong to somebody else.
 */

/** `length` bytes that say `<id>` over and over. */
export function contentOf(id: string, length: number): Buffer {
  return Buffer.alloc(length, `<${id}>`, 'latin1');
}

export interface Message {
  readonly startLine: string;
  /** Names in lower case; the last of a repeated name. */
  readonly fields: ReadonlyMap<string, string>;
}

/** What a reader needs to be told about the message it is to read. */
export type BodyKind = 'none' | 'length' | 'chunked' | 'close';

/** Reads messages from one side of one connection, piece by piece. */
export class MessageReader {
  private bytes: Buffer = Buffer.alloc(0);

  get left(): number {
    return this.bytes.length;
  }

  push(piece: Buffer): void {
    this.bytes = this.bytes.length === 0 ? piece : Buffer.concat([this.bytes, piece]);
  }

  /** The next head, once it is whole. */
  head(): Message | undefined {
    const end = this.bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [startLine = '', ...lines] = this.take(end + 4)
      .toString('latin1')
      .slice(0, -4)
      .split('\r\n');
    const fields = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    return { startLine, fields };
  }

  /** A body of that length, once it is whole. */
  body(length: number): Buffer | undefined {
    return this.bytes.length < length ? undefined : this.take(length);
  }

  /** A chunked body, once it is whole. */
  chunkedBody(): Buffer | undefined {
    const pieces: Buffer[] = [];
    let at = 0;
    for (;;) {
      const lineEnd = this.bytes.indexOf('\r\n', at);
      if (lineEnd < 0) return undefined;
      const size = Number.parseInt(this.bytes.toString('latin1', at, lineEnd), 16);
      const next = lineEnd + 2 + size + 2;
      if (this.bytes.length < next) return undefined;
      if (size === 0) {
        this.take(next);
        return Buffer.concat(pieces);
      }
      pieces.push(this.bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
      at = next;
    }
  }

  rest(): Buffer {
    return this.take(this.bytes.length);
  }

  private take(count: number): Buffer {
    const taken = this.bytes.subarray(0, count);
    this.bytes = this.bytes.subarray(count);
    return taken;
  }
}

/** How a message says its body is framed. */
export function framingOf(message: Message): BodyKind {
  if (message.fields.has('transfer-encoding')) return 'chunked';
  return message.fields.has('content-length') ? 'length' : 'none';
}

/** Bytes as chunks of random sizes, with the last one. */
export function asChunks(content: Buffer, sizeOf: () => number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < content.length; ) {
    const piece = content.subarray(at, at + Math.max(1, sizeOf()));
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`, 'latin1'), piece, Buffer.from('\r\n', 'latin1'));
    at += piece.length;
  }
  pieces.push(Buffer.from('0\r\n\r\n', 'latin1'));
  return Buffer.concat(pieces);
}
