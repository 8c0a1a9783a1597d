/**
 * What is written to a socket within one event goes out as one piece: small texts and bytes are copied side by side
 * into memory that is used again as soon as the system has taken them, which for a small piece is at once. The price
 * is a copy of up to 16 KiB (a microsecond); the gain is one `write` instead of `writev`, and nothing to collect.
 */
import type { Socket } from 'node:net';
import { SHARED } from './read-buffers.js';

const STORE_BYTES = 64 * 1024;
/** Larger pieces are written from where they are. */
const LARGE = 16 * 1024;

export class Outbox {
  /** Sockets that were handed pieces of the watched memory where it lay. */
  readonly handedTo: Socket[] = [];
  private watched: ArrayBufferLike | undefined;
  private store = Buffer.allocUnsafeSlow(STORE_BYTES);
  private start = 0;
  private end = 0;
  private socket: Socket | undefined;

  /** From now on `handedTo` tells who is handed pieces of this memory. */
  watch(memory: Buffer): void {
    this.watched = memory.buffer;
    this.handedTo.length = 0;
  }

  /** Queues bytes, or text whose characters are all below U+0100. What waits for another socket goes out first. */
  put(socket: Socket, bytes: Buffer | string): void {
    if (this.socket !== socket) this.flush();
    if (bytes.length > LARGE) this.putLarge(socket, bytes);
    else {
      if (this.end + bytes.length > STORE_BYTES) this.renew();
      this.socket = socket;
      this.end += typeof bytes === 'string' ? this.store.write(bytes, this.end, 'latin1') : this.copy(bytes);
    }
  }

  private copy(bytes: Buffer): number {
    this.store.set(bytes, this.end);
    return bytes.length;
  }

  private putLarge(socket: Socket, bytes: Buffer | string): void {
    this.flush();
    if (typeof bytes === 'string') socket.write(bytes, 'latin1');
    else if (bytes.buffer === SHARED.buffer) socket.write(Buffer.from(bytes));
    else {
      socket.write(bytes);
      if (bytes.buffer === this.watched) this.handedTo.push(socket);
    }
  }

  private renew(): void {
    this.flush();
    this.store = Buffer.allocUnsafeSlow(STORE_BYTES);
    this.start = 0;
    this.end = 0;
  }

  /** Sends what waits for this socket. */
  flushFor(socket: Socket): void {
    if (this.socket === socket) this.flush();
  }

  private flush(): void {
    const { socket, start, end } = this;
    if (socket === undefined) return;
    this.socket = undefined;
    // Behind other bytes it will wait: a copy of its own, so that a few bytes don't keep the whole store in memory.
    const behind = socket.writableLength > 0;
    const piece = this.store.subarray(start, end);
    if (!socket.destroyed) socket.write(behind ? Buffer.from(piece) : piece);
    // The memory is free again when the system has taken all of it.
    if (behind || socket.writableLength === 0) this.end = start;
    else this.start = end;
  }
}

/** The one of this process: events don't overlap, so that one store serves all sockets. */
export const outbox = new Outbox();
