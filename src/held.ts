/**
 * Bytes kept between two arrivals because they don't make a whole head, chunk line or PROXY header yet, or because
 * it isn't their turn. Grows by doubling, so that a sender of single bytes costs linear time; the users bound it.
 */
const EMPTY = Buffer.alloc(0);

export class Held {
  private store: Buffer = EMPTY;
  private start = 0;
  private stop = 0;

  get size(): number {
    return this.stop - this.start;
  }

  /** The kept bytes; a view that is valid until the next change. */
  get bytes(): Buffer {
    return this.store.subarray(this.start, this.stop);
  }

  /** Copies borrowed bytes behind those already kept. */
  append(bytes: Buffer): void {
    this.reserve(bytes.length);
    bytes.copy(this.store, this.stop);
    this.stop += bytes.length;
  }

  /** Drops the first `count` bytes. */
  consume(count: number): void {
    this.start += count;
    if (this.start === this.stop) this.clear();
  }

  /** Drops everything and gives the memory back. */
  clear(): void {
    this.store = EMPTY;
    this.start = 0;
    this.stop = 0;
  }

  private reserve(extra: number): void {
    if (this.stop + extra <= this.store.length) return;
    const size = this.size;
    const grown = Buffer.allocUnsafeSlow(Math.max(256, 2 * size + extra));
    this.store.copy(grown, 0, this.start, this.stop);
    this.store = grown;
    this.start = 0;
    this.stop = size;
  }
}
