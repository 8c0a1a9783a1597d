/**
 * Sockets that read into memory that all of them share (`read-buffers.ts`): Node's `onread`, which it documents for
 * connections that we make, and which a socket built around an accepted handle takes as well (`listener/adopt.ts`). The
 * wire of a socket that others made listens to 'data'.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { outbox } from './outbox.js';
import { BulkBuffers, SHARED, waits } from './read-buffers.js';

/** What a socket does with its bytes; `Wire` is the only one. */
export interface SocketUser {
  /** Borrowed: what is kept is copied; what is written through the outbox need not be. Never throws. */
  takeBytes(bytes: Buffer): void;
  /** A write failed. @returns whether the socket should live on until it has been read to its end */
  writeFailed(error: Error): boolean;
}

/** What Node's constructor understands beyond its types. */
interface Options extends SocketConstructorOpts {
  readonly handle?: unknown;
  readonly onread?: OnReadOpts;
  readonly noDelay?: boolean;
  readonly keepAlive?: boolean;
  readonly keepAliveInitialDelay?: number;
}

/** TCP keep-alive finds a peer that vanished without FIN; 60 s is below the idle limits of both balancers. */
export const KEEP_ALIVE_DELAY_MS = 60_000;

export class WireSocket extends Socket {
  user: SocketUser | undefined = undefined;
  /** The buffer of its own that it reads into; undefined: the shared one. */
  bulk: Buffer | undefined = undefined;

  /** Whether a failed write leaves it open until it has been read to its end. */
  private patient = false;

  private constructor(options: Options) {
    super(options);
  }

  /** A socket to connect with. */
  static unconnected(): WireSocket {
    const socket = new WireSocket({
      onread: ONREAD,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    });
    socket.patient = true;
    return socket;
  }

  /** A socket around a handle that was accepted just now. @param tuned whether its TCP options are set already */
  static accepted(handle: unknown, tuned: boolean): WireSocket {
    const socket = new WireSocket({ handle, onread: ONREAD, allowHalfOpen: true });
    if (tuned) return socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    return socket;
  }

  override destroy(error?: Error): this {
    const failedWrite = error !== undefined && !this.destroyed && isOfWrite(error);
    if (failedWrite && this.patient && this.user?.writeFailed(error) === true) return this;
    return super.destroy(error);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // While it is being read, who has the bytes is known only when the reader returns.
    if (this.bulk !== undefined && reading !== this) bulkBuffers.giveBack(this.bulk);
    super._destroy(error, callback);
  }
}

function isOfWrite(error: NodeJS.ErrnoException): boolean {
  return error.syscall === 'write';
}

const bulkBuffers = new BulkBuffers();

/** The socket whose bytes are being used. */
let reading: WireSocket | undefined;

/** What the socket that was read last reads into from now on; undefined: no change. */
let next: Buffer | undefined = SHARED;

/** Node asks for the buffer when it makes a socket and behind every read. */
function nextBuffer(): Buffer | undefined {
  const buffer = next;
  next = SHARED;
  return buffer;
}

/** Node calls it as a method of the socket: one function for all of them. */
function onRead(this: unknown, count: number, buffer: Uint8Array): boolean {
  const socket = this as WireSocket;
  const bytes = (buffer as Buffer).subarray(0, count);
  if (socket.bulk !== undefined) next = readBulk(socket, socket.bulk, bytes);
  else {
    socket.user?.takeBytes(bytes);
    // A full buffer tells of a transfer.
    next = count === buffer.length && !socket.destroyed ? startBulk(socket) : undefined;
  }
  return true;
}

function startBulk(socket: WireSocket): Buffer | undefined {
  socket.bulk = bulkBuffers.take();
  return socket.bulk;
}

/** Keeps the buffer while it comes in well filled and its bytes are sent at once. */
function readBulk(socket: WireSocket, bulk: Buffer, bytes: Buffer): Buffer | undefined {
  reading = socket;
  outbox.watch(bulk);
  socket.user?.takeBytes(bytes);
  reading = undefined;
  const ebbs = bytes.length < SHARED.length;
  const { handedTo } = outbox;
  if (!socket.destroyed && !ebbs && !handedTo.some(waits)) return undefined;
  bulkBuffers.giveBack(bulk, handedTo);
  socket.bulk = socket.destroyed || ebbs ? undefined : bulkBuffers.take();
  return socket.bulk ?? SHARED;
}

const ONREAD: OnReadOpts = { buffer: nextBuffer as () => Uint8Array, callback: onRead };
