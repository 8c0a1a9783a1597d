/** Reads responses with Content-Length from one connection, one after another: pure, and strict enough to notice. */

/** Bodies up to this many bytes are kept, to be compared. */
const KEPT_BYTES = 1024;

export class ResponseReader {
  private head = '';
  private inBody = false;
  private bytesLeft = 0;
  /** Of the response that is read or was read last. */
  status = 0;
  bodyBytes = 0;
  /** Empty when the body is longer than {@link KEPT_BYTES}. */
  body = '';

  /** Takes bytes of at most one response. `bad`: they are none, or more than one. */
  take(bytes: Buffer): 'more' | 'done' | 'bad' {
    if (this.inBody) return this.takeBody(bytes);
    this.head += bytes.toString('latin1');
    const end = this.head.indexOf('\r\n\r\n');
    if (end < 0) return 'more';
    const known = this.begin(this.head.slice(0, end + 2));
    const already = this.head.length - (end + 4);
    this.head = '';
    return known ? this.takeBody(bytes.subarray(bytes.length - already)) : 'bad';
  }

  /** Whether the response is a 200 with just this body. */
  is(body: string): boolean {
    return this.status === 200 && this.body === body;
  }

  private begin(head: string): boolean {
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1];
    this.status = head.startsWith('HTTP/1.1 ') ? Number(head.slice(9, 12)) : 0;
    this.bodyBytes = this.bytesLeft = Number(length ?? 0);
    this.body = '';
    this.inBody = true;
    return this.status >= 200 && length !== undefined;
  }

  private takeBody(bytes: Buffer): 'more' | 'done' | 'bad' {
    if (this.bodyBytes <= KEPT_BYTES) this.body += bytes.toString('latin1');
    this.bytesLeft -= bytes.length;
    if (this.bytesLeft > 0) return 'more';
    this.inBody = false;
    return this.bytesLeft === 0 ? 'done' : 'bad';
  }
}
