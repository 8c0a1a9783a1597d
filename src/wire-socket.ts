/**
 * Sockets that read into memory that all of them share (`read-buffers.ts`): Node's `onread`, which it documents for
 * connections that we make, and which a socket built around an accepted handle takes as well (`listener/adopt.ts`). The
 * wire of a socket that others made listens to 'data'.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { getSystemErrorName } from 'node:util';
import {
  type DirectHandle,
  type DirectUser,
  directHandle,
  learnToWrite,
  readDirectly,
  writeDirectly,
} from './handle.js';
import { outbox } from './outbox.js';
import { BulkBuffers, SHARED, sharedBeginnings, waits } from './read-buffers.js';

/** What a socket does with its bytes; `Wire` is the only one. */
export interface SocketUser {
  /** Borrowed: what is kept is copied; what is written through the outbox need not be. Never throws. */
  takeBytes(bytes: Buffer): void;
  /** A write failed. @returns whether the socket should live on until it has been read to its end */
  writeFailed(error: Error): boolean;
  /** What had been sent directly and was not taken at once has been taken. */
  sentAll(): void;
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

/** Sockets that we connect with, of the whole process: they take descriptors as accepted ones do. */
export const outgoing = {
  /** Connecting, lent or idle. */
  open: 0,
  /** How often the system had no descriptor for one. */
  starved: 0,
};

const STARVED: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE']);

/** Whether an error says that no descriptor was left, to this process or to the machine. */
export function isStarved(error: Error | null): boolean {
  return STARVED.has((error as NodeJS.ErrnoException | null)?.code);
}

export class WireSocket extends Socket implements DirectUser {
  /** Bytes sent directly wait below the stream. */
  sending = false;
  seen = 0;
  private user: SocketUser | undefined = undefined;
  private handle: DirectHandle | undefined = undefined;
  /** The buffer of its own that it reads into; undefined: the shared one. */
  bulk: Buffer | undefined = undefined;

  /** One that we connect with: a failed write leaves it open until it has been read to its end. */
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
    outgoing.open += 1;
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

  /** The socket is connected; from now on it serves `user`. */
  serve(user: SocketUser): void {
    this.user = user;
    this.handle = directHandle(this);
    if (this.handle === undefined) return;
    readDirectly(this.handle, this);
    learnToWrite(this.handle);
  }

  takeCount(count: number): Buffer | undefined {
    const { bulk } = this;
    if (bulk !== undefined) return this.takeBulk(bulk, bulk.subarray(0, count));
    this.user?.takeBytes(sharedBeginnings.of(count));
    // A full buffer tells of a transfer.
    if (count === SHARED.length && !this.destroyed) this.bulk = bulkBuffers.take();
    return this.bulk;
  }

  /** Keeps the buffer while it comes in well filled and its bytes are sent at once. */
  private takeBulk(bulk: Buffer, bytes: Buffer): Buffer | undefined {
    reading = this;
    outbox.watch(bulk);
    this.user?.takeBytes(bytes);
    reading = undefined;
    const ebbs = bytes.length < SHARED.length;
    const { handedTo } = outbox;
    if (!this.destroyed && !ebbs && !handedTo.some(waits)) return undefined;
    bulkBuffers.giveBack(bulk, handedTo);
    this.bulk = this.destroyed || ebbs ? undefined : bulkBuffers.take();
    return this.bulk ?? SHARED;
  }

  /**
   * Sends bytes at once, when nothing waits in front of them. They must not be changed while {@link sending}.
   * @returns false: nothing was sent, the stream has to do it
   */
  sendNow(bytes: Buffer): boolean {
    const { handle } = this;
    if (handle === undefined || this.sending || this.writableLength > 0 || this.writableEnded) return false;
    const outcome = writeDirectly(handle, bytes, this);
    this.sending = outcome === 'queued';
    return outcome !== 'untouched';
  }

  sent(status: number): void {
    this.sending = false;
    if (this.destroyed) return;
    if (status === 0) this.user?.sentAll();
    else this.destroy(writeError(status));
  }

  override destroy(error?: Error): this {
    const failedWrite = error !== undefined && !this.destroyed && isOfWrite(error);
    if (failedWrite && this.patient && this.user?.writeFailed(error) === true) return this;
    return super.destroy(error);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // While it is being read, who has the bytes is known only when the reader returns.
    if (this.bulk !== undefined && reading !== this) bulkBuffers.giveBack(this.bulk);
    this.handle = undefined;
    if (this.patient) outgoing.open -= 1;
    if (isStarved(error)) outgoing.starved += 1;
    super._destroy(error, callback);
  }
}

/** As Node makes it for a write of its own. */
function writeError(status: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`write ${code}`), { errno: status, code, syscall: 'write' });
}

function isOfWrite(error: NodeJS.ErrnoException): boolean {
  return error.syscall === 'write';
}

const bulkBuffers = new BulkBuffers();

/** The socket whose bytes are being used. */
let reading: WireSocket | undefined;

/** What the socket that was read last reads into from now on; undefined: no change. */
let next: Buffer | undefined = SHARED;

/** Node asks for the buffer when it makes a socket and behind every read that it tells of itself. */
function nextBuffer(): Buffer | undefined {
  const buffer = next;
  next = SHARED;
  return buffer;
}

/** Node calls it as a method of the socket, where the handle can't be asked directly: one function for all of them. */
function onRead(this: unknown, count: number): boolean {
  next = (this as WireSocket).takeCount(count);
  return true;
}

const ONREAD: OnReadOpts = { buffer: nextBuffer as () => Uint8Array, callback: onRead };
