/**
 * A wire is one TCP socket as the data plane uses it: one reader at a time, borrowed bytes, explicit back-pressure.
 * The corridor and the rooms hand a wire from reader to reader; nobody else listens to the socket.
 */
import type { Socket } from 'node:net';

/** Who has the floor on a wire. Every method may destroy the wire or hand it to the next reader. */
export interface WireReader {
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
export class Wire {
  readonly socket: Socket;
  reader: WireReader;
  /** Why the socket failed, once it has. */
  error: Error | undefined = undefined;
  private paused = false;

  private readonly owner: WireOwner | undefined;

  constructor(socket: Socket, reader: WireReader, owner?: WireOwner) {
    this.socket = socket;
    this.reader = reader;
    this.owner = owner;
    (socket as WiredSocket)[kWire] = this;
    socket.on('error', socketOnError);
    socket.on('close', socketOnClose);
    socket.on('drain', socketOnDrain);
    socket.on('end', socketOnEnd);
    socket.on('data', socketOnData);
  }

  /** Queues bytes, or text whose characters are all below U+0100. Look at {@link congested} afterwards. */
  write(bytes: Buffer | string): void {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
  }

  /**
   * Whether the system has not taken what was written and `onDrain` will follow: whoever writes stops until then.
   * (A full queue alone says less: what was written while corked fills it until the very `uncork` that empties it.)
   */
  get congested(): boolean {
    return this.socket.writableNeedDrain && this.socket.writableLength > 0;
  }

  /** Between `cork` and `uncork` writes are gathered into one system call. */
  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
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
  }

  /** Sends FIN behind what is queued; reading goes on. */
  end(): void {
    this.socket.end();
  }

  /** Flushes what is queued, then closes both directions. */
  closeSoon(): void {
    this.socket.destroySoon();
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

  /** Called by the socket's close listener only. */
  closed(): void {
    try {
      this.reader.onClose(this.error);
    } catch (error) {
      this.error ??= asError(error);
    }
    this.owner?.wireClosed();
  }

  /** Bytes queued and not yet taken by the system. */
  get queued(): number {
    return this.socket.writableLength;
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
  const wire = wireOf(this);
  try {
    wire.reader.onBytes(bytes);
  } catch (error) {
    fault(wire, error);
  }
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
