/**
 * What is written to a socket within one event goes out as one piece: small texts and bytes are copied side by side
 * into memory that is used again as soon as the system has taken them, which for a small piece is at once. The price
 * is a copy of up to 16 KiB (a microsecond); the gain is one `write` instead of `writev`, and nothing to collect.
 */
import type { Socket } from 'node:net';
import { Beginnings, SHARED, type Target } from './read-buffers.js';

/** What the outbox writes to. */
export type Sink = Pick<Socket, 'write'> &
  Target & {
    /** @returns false: nothing was sent, use `write` */
    sendNow?(bytes: Buffer): boolean;
  };

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
  private socket: Sink | undefined;

  /** From now on `handedTo` tells who is handed pieces of this memory. */
  watch(memory: Buffer): void {
    this.watched = memory.buffer;
    this.handedTo.length = 0;
  }

  /** Queues bytes, or text whose characters are all below U+0100. What waits for another socket goes out first. */
  put(socket: Sink, bytes: Buffer | string): void {
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

  private putLarge(socket: Sink, bytes: Buffer | string): void {
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
    this.beginnings = new Beginnings(this.store);
    this.start = 0;
    this.end = 0;
  }

  /** Sends what waits for this socket. */
  flushFor(socket: Sink): void {
    if (this.socket === socket) this.flush();
  }

  private flush(): void {
    const { socket, start, end } = this;
    if (socket === undefined) return;
    this.socket = undefined;
    // Behind other bytes it will wait: a copy of its own, so that a few bytes don't keep the whole store in memory.
    const behind = isBusy(socket);
    const piece = start === 0 ? this.beginnings.of(end) : this.store.subarray(start, end);
    if (!socket.destroyed && (behind || socket.sendNow?.(piece) !== true)) {
      socket.write(behind ? Buffer.from(piece) : piece);
    }
    // The memory is free again when the system has taken all of it.
    if (behind || !isBusy(socket)) this.end = start;
    else this.start = end;
  }
}

function isBusy({ writableLength, sending }: Target): boolean {
  return writableLength > 0 || sending === true;
}

/** The one of this process: events don't overlap, so that one store serves all sockets. */
export const outbox = new Outbox();
