/**
 * A wire is one TCP socket as the data plane uses it: one reader at a time, borrowed bytes, explicit back-pressure.
 * The corridor and the rooms hand a wire from reader to reader; nobody else listens to the socket.
 */
import type { Socket } from 'node:net';
import { takenOf } from './handle.js';
import { outbox } from './outbox.js';
import { type SocketUser, WireSocket } from './wire-socket.js';

/** Who has the floor on a wire. Every method may destroy the wire or hand it to the next reader. */
export interface WireReader {
  /** Whether bytes that came before a write failed are still of use: an answer to what could not be sent whole. */
  readonly patient?: boolean;
  /** Bytes came in. They are borrowed: valid until the call returns, so what is kept is copied. */
  onBytes(bytes: Buffer): void;
  /** The other side will send nothing more (FIN). */
  onEnd(): void;
  /** What had been queued has been taken; writing may go on. */
  onDrain(): void;
  /** The wire is gone; called once, the last call. `error` is undefined after an orderly end or our own destroy. */
  onClose(error: Error | undefined): void;
}

/** Who owns a wire from its first tick to its last, whoever reads it in between. */
export interface WireOwner {
  /** The wire is gone, and its reader has been told. Called once. */
  wireClosed(): void;
}

/** Nobody: for a wire that has been destroyed and whose last events concern no one. */
export const DEAF: WireReader = {
  onBytes() {},
  onEnd() {},
  onDrain() {},
  onClose() {},
};

const kWire = Symbol('wire');

interface WiredSocket extends Socket {
  [kWire]: Wire;
}

/** See the file comment. The error listener is attached here, in the socket's first tick, and stays to the end. */
export class Wire implements SocketUser {
  readonly socket: Socket;
  reader: WireReader;
  /** Why the socket failed, once it has. */
  error: Error | undefined = undefined;
  private paused = false;
  /** Writes wait in the outbox while it is above zero. */
  private corks = 0;
  private failedWrite: Error | undefined = undefined;
  /** As of the last {@link tookSome}. */
  private takenBefore = 0;
  /** Whether bytes came since the last look, behind a failed write. */
  private heard = false;

  private readonly owner: WireOwner | undefined;
  /** The socket again, when it is one that shares its read buffer. */
  private readonly shared: WireSocket | undefined;

  constructor(socket: Socket, reader: WireReader, owner?: WireOwner) {
    this.socket = socket;
    this.reader = reader;
    this.owner = owner;
    (socket as WiredSocket)[kWire] = this;
    socket.on('error', socketOnError);
    socket.on('close', socketOnClose);
    socket.on('drain', socketOnDrain);
    socket.on('end', socketOnEnd);
    this.shared = socket instanceof WireSocket ? socket : undefined;
    if (this.shared === undefined) socket.on('data', socketOnData);
    else this.shared.serve(this);
  }

  /** Queues bytes, or text whose characters are all below U+0100. Look at {@link congested} afterwards. */
  write(bytes: Buffer | string): void {
    outbox.put(this.socket, bytes);
    if (this.corks === 0) outbox.flushFor(this.socket);
  }

  /**
   * Whether the system has not taken what was written and `onDrain` will follow: whoever writes stops until then.
   * (A full queue alone says less: what was written while corked fills it until the very `uncork` that empties it.)
   */
  get congested(): boolean {
    const { socket } = this;
    return (socket.writableNeedDrain && socket.writableLength > 0) || this.shared?.sending === true;
  }

  /** Between `cork` and `uncork` writes are gathered into one system call. */
  cork(): void {
    this.corks += 1;
  }

  uncork(): void {
    this.corks -= 1;
    if (this.corks === 0) outbox.flushFor(this.socket);
  }

  /** Stops `onBytes` and, when the other side goes on sending, lets TCP slow it down. */
  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket.resume();
    if (this.failedWrite !== undefined) this.readOn(this.failedWrite);
  }

  /** Sends FIN behind what is queued; reading goes on. */
  end(): void {
    outbox.flushFor(this.socket);
    this.socket.end();
  }

  /** Flushes what is queued, then closes both directions. */
  closeSoon(): void {
    outbox.flushFor(this.socket);
    this.socket.destroySoon();
  }

  /**
   * Closes both directions when the system has taken all that was written, else behind it. For a far side that has
   * promised to send nothing more: what it sends all the same is answered with RST, which may cost it what it has not
   * read yet. One shutdown, one read and one turn of the loop less than an end in two steps.
   */
  closeSent(): void {
    outbox.flushFor(this.socket);
    if (!this.queued) this.socket.destroy();
    else this.socket.destroySoon();
  }

  /** Closes at once; queued bytes are dropped. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Closes at once with RST, so that the other side can't take what it has for the whole. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  get destroyed(): boolean {
    return this.socket.destroyed;
  }

  /** Whether both directions are open, so that a new exchange can begin on it. */
  get usable(): boolean {
    return this.socket.writable && this.socket.readable;
  }

  /** Whether the other side has sent FIN and its reader was told. */
  get ended(): boolean {
    return this.socket.readableEnded;
  }

  /**
   * Runs what serves this wire but doesn't begin at it (a dial has ended, a deadline has passed): a mistake of ours in
   * there destroys this wire and ends here.
   */
  attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      fault(this, error);
    }
  }

  // ---- the socket's calls ----

  takeBytes(bytes: Buffer): void {
    this.heard = true;
    try {
      this.reader.onBytes(bytes);
    } catch (error) {
      fault(this, error);
    }
  }

  /**
   * A backend may answer an upload early and close, and the answer still lies unread when the next write fails (EPIPE):
   * Node would destroy the socket and the answer with it. So it lives until a whole turn of the loop brought nothing.
   */
  writeFailed(error: Error): boolean {
    if (this.failedWrite !== undefined) return this.failedWrite !== error;
    if (this.reader.patient !== true) return false;
    this.failedWrite = error;
    this.readOn(error);
    return true;
  }

  sentAll(): void {
    if (this.congested) return;
    try {
      this.reader.onDrain();
    } catch (error) {
      fault(this, error);
    }
  }

  private readOn(error: Error): void {
    this.heard = false;
    // The first call is made before the loop polls again, the second behind it.
    setImmediate(() => setImmediate(() => this.lookAgain(error)));
  }

  private lookAgain(error: Error): void {
    if (this.destroyed || this.paused) return;
    if (this.heard) this.readOn(error);
    else this.socket.destroy(error);
  }

  /** Called by the socket's close listener only. */
  closed(): void {
    try {
      this.reader.onClose(this.error);
    } catch (error) {
      this.error ??= asError(error);
    }
    this.owner?.wireClosed();
  }

  /** Whether anything is queued that the system has not taken yet. */
  get queued(): boolean {
    return this.socket.writableLength > 0 || this.shared?.sending === true;
  }

  /**
   * Whether the system has taken anything since this was asked last: the far side reads, however slowly. A deadline for
   * what is queued asks when it begins, and when it has passed.
   */
  tookSome(): boolean {
    const taken = takenOf(this.socket);
    const some = taken > this.takenBefore;
    this.takenBefore = taken;
    return some;
  }
}

function wireOf(socket: Socket): Wire {
  return (socket as WiredSocket)[kWire];
}

/**
 * A mistake of ours while one connection is served must not end the others: the wire is destroyed with the error, and
 * its reader hears of it in `onClose`.
 */
function fault(wire: Wire, error: unknown): void {
  wire.socket.destroy(asError(error));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Whether a wire failed by a mistake of ours; what the system reports names the call that failed. */
export function isFault(error: Error | undefined): boolean {
  return error !== undefined && !('syscall' in error);
}

function socketOnData(this: Socket, bytes: Buffer): void {
  wireOf(this).takeBytes(bytes);
}

function socketOnEnd(this: Socket): void {
  const wire = wireOf(this);
  try {
    wire.reader.onEnd();
  } catch (error) {
    fault(wire, error);
  }
}

function socketOnDrain(this: Socket): void {
  const wire = wireOf(this);
  try {
    wire.reader.onDrain();
  } catch (error) {
    fault(wire, error);
  }
}

function socketOnError(this: Socket, error: Error): void {
  wireOf(this).error = error;
}

function socketOnClose(this: Socket): void {
  const wire = wireOf(this);
  wire.closed();
}
