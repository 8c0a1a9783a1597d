/**
 * A TCP connection on Node's handle alone: the socket and the streams that Node would put above it cost a fifth of the CPU
 * time of a connection that carries one request (104 µs, 84 without). Bytes are read into memory that all transports
 * share (`read-buffers.ts`), and written at once or left to libuv's queue.
 */
import {
  END,
  type HandleEnd,
  type Handles,
  handles,
  type Request,
  systemError,
  type TcpHandle,
  type WriteRequest,
} from './handles.js';
import { outbox } from './outbox.js';
import { BulkBuffers, SHARED, sharedBeginnings, waits } from './read-buffers.js';
import { leftOutgoing, type Transport, type TransportEnd, type TransportUser } from './transport.js';

/** For tests of the other manner. */
export const bare = { off: false };

/** Whether transports can be bare here. */
export function canBeBare(): boolean {
  return handles !== undefined && !bare.off;
}

/** Nobody makes a transport where there are none. */
const node = handles as Handles;
const STATE = handles?.state ?? new Int32Array(0);
const READ_COUNT = handles?.readCountAt ?? 0;
const WRITE_WAITS = handles?.writeWaitsAt ?? 0;

/**
 * The request for the next write, of the whole process: most writes are done at once and leave it unused, and to make one
 * costs half a microsecond. One that is in use is never here: Node would end the process.
 */
let spare = handles?.newWrite() as WriteRequest;

const kTransport = Symbol('transport');

/** A handle or a request that knows whom it serves. */
interface Owned {
  [kTransport]: BareTransport;
}

export class BareTransport implements Transport {
  destroyed = false;
  ended = false;
  /** Writes that the system has not taken. */
  private waiting = 0;
  /** FIN was asked for; and it is sent. */
  private ending = false;
  private finished = false;
  private closesBehind = false;
  /** An end was told that may be a reset. */
  private doubted = false;
  /** A write has failed. */
  private broken = false;
  private paused = false;
  private user: TransportUser | undefined = undefined;
  private error: Error | undefined = undefined;
  /** The buffer of its own that it reads into; undefined: the shared one. */
  private bulk: Buffer | undefined = undefined;
  /** A bulk buffer has had its use, as far as is known while bytes are being used. */
  private ebbs = false;

  /**
   * @param handle is connected
   * @param own whether we connected it
   */
  constructor(
    private readonly handle: TcpHandle,
    private readonly own: boolean,
  ) {
    (handle as TcpHandle & Owned)[kTransport] = this;
  }

  serve(user: TransportUser): void {
    this.user = user;
    this.handle.onread = onRead;
    this.handle.useUserBuffer(SHARED);
    if (!this.paused) this.readStart();
  }

  // ---- reading ----

  pause(): void {
    this.paused = true;
    if (!this.destroyed && !this.ended) this.handle.readStop();
  }

  resume(): void {
    this.paused = false;
    if (!this.destroyed && !this.ended) this.readStart();
  }

  private readStart(): void {
    const status = this.handle.readStart();
    if (status !== 0) this.destroy(systemError(status, 'read'));
  }

  /** @returns what to read into next; undefined: no change */
  take(count: number): Buffer | undefined {
    if (count > 0) return this.bulk === undefined ? this.takeShared(count) : this.takeBulk(this.bulk, count);
    if (count === END) this.takeEnd();
    else if (count < 0) this.destroy(systemError(count, 'read'));
    return undefined;
  }

  private takeShared(count: number): Buffer | undefined {
    const full = count === SHARED.length;
    if (full) this.ebbs = false;
    this.user?.tookBytes(sharedBeginnings.of(count));
    // A full buffer tells of a transfer.
    if (full && !this.ebbs && !this.destroyed) this.bulk = bulkBuffers.take();
    return this.bulk;
  }

  /** Keeps the buffer while it comes in well filled and its bytes are sent at once. */
  private takeBulk(bulk: Buffer, count: number): Buffer | undefined {
    reading = this;
    outbox.watch(bulk);
    this.ebbs = count < SHARED.length;
    this.user?.tookBytes(bulk.subarray(0, count));
    reading = undefined;
    const { ebbs } = this;
    const { handedTo } = outbox;
    if (!this.destroyed && !ebbs && !handedTo.some(waits)) return undefined;
    bulkBuffers.giveBack(bulk, handedTo);
    this.bulk = this.destroyed || ebbs ? undefined : bulkBuffers.take();
    return this.bulk ?? SHARED;
  }

  /**
   * libuv takes a reset right behind bytes for an end (1.46, Node 20), and an answer that was cut must not pass for whole.
   * Such a connection has no far side any more, nor has one that was reset behind its end; reading once more tells.
   */
  private takeEnd(): void {
    if (!this.doubted && this.handle.getpeername(END_SEEN) !== 0) {
      this.doubted = true;
      if (this.handle.readStart() === 0) return;
    }
    this.ended = true;
    // Nothing is read into it any more.
    if (this.bulk !== undefined) bulkBuffers.giveBack(this.bulk);
    this.bulk = undefined;
    this.user?.tookEnd();
    this.closeWhenOver();
  }

  transferOver(): void {
    this.ebbs = true;
  }

  // ---- writing ----

  get queued(): boolean {
    return this.waiting > 0;
  }

  get congested(): boolean {
    return this.waiting > 0;
  }

  get taken(): number {
    return this.destroyed ? 0 : this.handle.bytesWritten - this.handle.writeQueueSize;
  }

  write(bytes: Buffer): void {
    if (this.destroyed || this.ending) return;
    const status = this.handle.writeBuffer(spare, bytes);
    if (status === 0 && STATE[WRITE_WAITS] === 0) return;
    const request = spare;
    spare = node.newWrite();
    if (status === 0) this.await(request, bytes);
    else this.failed(systemError(status, 'write'));
  }

  private await(request: WriteRequest, bytes: Buffer): void {
    this.waiting += 1;
    request.bytes = bytes;
    (request as WriteRequest & Owned)[kTransport] = this;
    request.oncomplete = onWritten;
  }

  written(status: number): void {
    this.waiting -= 1;
    if (this.destroyed) return;
    if (status < 0) this.failed(systemError(status, 'write'));
    else if (this.waiting === 0) this.user?.drained();
  }

  private failed(error: Error): void {
    this.broken = true;
    if (this.user?.writeFailed(error) !== true) this.destroy(error);
  }

  // ---- the end ----

  get usable(): boolean {
    return !this.destroyed && !this.ending && !this.ended && !this.broken;
  }

  get remote(): TransportEnd | undefined {
    return this.destroyed ? undefined : endSeen(this.handle.getpeername(END_SEEN));
  }

  get local(): TransportEnd | undefined {
    return this.destroyed ? undefined : endSeen(this.handle.getsockname(END_SEEN));
  }

  /** libuv sends FIN when its queue is empty. */
  end(): void {
    if (this.destroyed || this.ending) return;
    this.ending = true;
    const request = node.newShutdown();
    (request as Request & Owned)[kTransport] = this;
    request.oncomplete = onFinished;
    // A far side that is gone, which the next read will say, needs no FIN.
    if (this.handle.shutdown(request) !== 0) this.finish();
  }

  finish(): void {
    this.finished = true;
    if (this.closesBehind) this.destroy();
    else this.closeWhenOver();
  }

  closeSoon(): void {
    this.closesBehind = true;
    this.end();
    if (this.finished) this.destroy();
  }

  private closeWhenOver(): void {
    if (this.finished && this.ended) this.destroy();
  }

  destroy(error?: Error): void {
    if (this.destroyed) return;
    this.leave(error);
    this.handle.close();
  }

  reset(): void {
    if (this.destroyed) return;
    this.leave(undefined);
    // A handle that waits to send its FIN can't be reset, and Node never closes one that was asked to (v20 to v26).
    if (this.ending && !this.finished) this.handle.close();
    else this.handle.reset();
  }

  private leave(error: Error | undefined): void {
    this.destroyed = true;
    this.error = error;
    // While it is being read, who has the bytes is known only when the reader returns.
    if (this.bulk !== undefined && reading !== this) bulkBuffers.giveBack(this.bulk);
    if (this.own) leftOutgoing(error);
    if (leaving.push(this) === 1) setImmediate(tellClosed);
  }

  closed(): void {
    this.user?.closed(this.error);
  }
}

/**
 * Transports whose users are to be told that they are gone. The system has closed them by then, and to be told by each handle
 * would cost 2 µs more than by one call for all of a turn.
 */
let leaving: BareTransport[] = [];

function tellClosed(): void {
  const left = leaving;
  leaving = [];
  for (const transport of left) transport.closed();
}

const bulkBuffers = new BulkBuffers();

/** The transport whose bytes are being used. */
let reading: BareTransport | undefined;

// One function each for all transports: ten thousand of them must not have three closures each.

function onRead(this: TcpHandle): Buffer | undefined {
  return (this as TcpHandle & Owned)[kTransport].take(STATE[READ_COUNT] as number);
}

function onWritten(this: WriteRequest, status: number): void {
  (this as WriteRequest & Owned)[kTransport].written(status);
}

function onFinished(this: Request): void {
  (this as Request & Owned)[kTransport].finish();
}

/** Filled by the system: an object that has its properties already, because they are dear to add from outside (0.5 µs). */
const END_SEEN: HandleEnd = { address: '', family: '', port: 0 };

function endSeen(status: number): TransportEnd | undefined {
  const { address, port } = END_SEEN;
  return status === 0 ? { address, port } : undefined;
}
