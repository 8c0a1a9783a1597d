/**
 * What is written to a sink within one event goes out as one piece: small texts and bytes are copied side by side
 * into memory that is used again as soon as the system has taken them, which for a small piece is at once. The price
 * is a copy of up to 16 KiB (a microsecond); the gain is one `write` instead of `writev`, and nothing to collect.
 */
import { Beginnings, SHARED, type Target } from './read-buffers.js';

/** What the outbox writes to: a transport. */
export interface Sink extends Target {
  /** The bytes must stay as they are while it is `queued`. */
  write(bytes: Buffer): void;
}

const STORE_BYTES = 64 * 1024;
/** Larger pieces are written from where they are. */
const LARGE = 16 * 1024;

export class Outbox {
  /** Sockets that were handed pieces of the watched memory where it lay. */
  readonly handedTo: Sink[] = [];
  private watched: ArrayBufferLike | undefined;
  private store = Buffer.allocUnsafeSlow(STORE_BYTES);
  private beginnings = new Beginnings(this.store);
  private start = 0;
  private end = 0;
  private sink: Sink | undefined;

  /** From now on `handedTo` tells who is handed pieces of this memory. */
  watch(memory: Buffer): void {
    this.watched = memory.buffer;
    this.handedTo.length = 0;
  }

  /** Queues bytes, or text whose characters are all below U+0100. What waits for another sink goes out first. */
  put(sink: Sink, bytes: Buffer | string): void {
    if (this.sink !== sink) this.flush();
    if (bytes.length > LARGE) this.putLarge(sink, bytes);
    else {
      if (this.end + bytes.length > STORE_BYTES) this.renew();
      this.sink = sink;
      this.end += typeof bytes === 'string' ? this.store.write(bytes, this.end, 'latin1') : this.copy(bytes);
    }
  }

  /** As {@link put}, for what stands in `source` from `from` to `to`: no view of it, and no text, is made for that. */
  putPart(sink: Sink, source: Buffer | string, from: number, to: number): void {
    const count = to - from;
    if (count > LARGE) {
      this.put(sink, typeof source === 'string' ? source.slice(from, to) : source.subarray(from, to));
      return;
    }
    if (this.sink !== sink) this.flush();
    if (this.end + count > STORE_BYTES) this.renew();
    this.sink = sink;
    if (typeof source !== 'string') source.copy(this.store, this.end, from, to);
    else this.store.write(from === 0 ? source : source.slice(from), this.end, count, 'latin1');
    this.end += count;
  }

  private copy(bytes: Buffer): number {
    this.store.set(bytes, this.end);
    return bytes.length;
  }

  private putLarge(sink: Sink, bytes: Buffer | string): void {
    this.flush();
    if (typeof bytes === 'string') sink.write(Buffer.from(bytes, 'latin1'));
    else if (bytes.buffer === SHARED.buffer) sink.write(Buffer.from(bytes));
    else {
      sink.write(bytes);
      if (bytes.buffer === this.watched) this.handedTo.push(sink);
    }
  }

  private renew(): void {
    this.flush();
    this.store = Buffer.allocUnsafeSlow(STORE_BYTES);
    this.beginnings = new Beginnings(this.store);
    this.start = 0;
    this.end = 0;
  }

  /** Sends bytes at once, behind what waits. */
  send(sink: Sink, bytes: Buffer | string): void {
    if (this.sink !== undefined) this.flush();
    if (bytes.length > LARGE) this.putLarge(sink, bytes);
    else {
      if (this.end + bytes.length > STORE_BYTES) this.renew();
      this.end += typeof bytes === 'string' ? this.store.write(bytes, this.end, 'latin1') : this.copy(bytes);
      this.handOver(sink);
    }
  }

  /** Sends what waits for this sink. */
  flushFor(sink: Sink): void {
    if (this.sink === sink) this.flush();
  }

  private flush(): void {
    const { sink } = this;
    if (sink === undefined) return;
    this.sink = undefined;
    this.handOver(sink);
  }

  private handOver(sink: Sink): void {
    const { start, end } = this;
    // Behind other bytes it will wait: a copy of its own, so that a few bytes don't keep the whole store in memory.
    const behind = sink.queued;
    const piece = start === 0 ? this.beginnings.of(end) : this.store.subarray(start, end);
    if (!sink.destroyed) sink.write(behind ? Buffer.from(piece) : piece);
    // The memory is free again when the system has taken all of it.
    if (behind || !sink.queued) this.end = start;
    else this.start = end;
  }
}

/** The one of this process: events don't overlap, so that one store serves all sinks. */
export const outbox = new Outbox();
