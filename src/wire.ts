/**
 * A wire is one TCP connection as the data plane uses it: one reader at a time, borrowed bytes, explicit back-pressure.
 * The corridor and the rooms hand a wire from reader to reader; nobody else listens to its transport.
 */
import { outbox } from './outbox.js';
import type { Transport, TransportUser } from './transport.js';

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

/** See the file comment. */
export class Wire implements TransportUser {
  /** Why the transport failed, once it is gone. */
  error: Error | undefined = undefined;
  private paused = false;
  /** Writes wait in the outbox while it is above zero. */
  private corks = 0;
  private failedWrite: Error | undefined = undefined;
  /** As of the last {@link tookSome}. */
  private takenBefore = 0;
  /** Whether bytes came since the last look, behind a failed write. */
  private heard = false;

  /** @param transport was accepted or connected in this tick */
  constructor(
    readonly transport: Transport,
    public reader: WireReader,
    private readonly owner?: WireOwner,
  ) {
    transport.serve(this);
  }

  /** Queues bytes, or text whose characters are all below U+0100. Look at {@link congested} afterwards. */
  write(bytes: Buffer | string): void {
    if (this.corks === 0) outbox.send(this.transport, bytes);
    else outbox.put(this.transport, bytes);
  }

  /** As {@link write}, for what stands in `source` from `from` to `to`. For small pieces between {@link cork} and `uncork`. */
  writePart(source: Buffer | string, from: number, to: number): void {
    outbox.putPart(this.transport, source, from, to);
    if (this.corks === 0) outbox.flushFor(this.transport);
  }

  /** Whether the system has not taken what was written and `onDrain` will follow: whoever writes stops until then. */
  get congested(): boolean {
    return this.transport.congested;
  }

  /** Between `cork` and `uncork` writes are gathered into one system call. */
  cork(): void {
    this.corks += 1;
  }

  uncork(): void {
    this.corks -= 1;
    if (this.corks === 0) outbox.flushFor(this.transport);
  }

  /** Tells while bytes are being used that they were the last of a large piece; see {@link Transport.transferOver}. */
  transferOver(): void {
    this.transport.transferOver();
  }

  /** Stops `onBytes` and, when the other side goes on sending, lets TCP slow it down. */
  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.transport.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.transport.resume();
    if (this.failedWrite !== undefined) this.readOn(this.failedWrite);
  }

  /** Sends FIN behind what is queued; reading goes on. */
  end(): void {
    outbox.flushFor(this.transport);
    this.transport.end();
  }

  /** Flushes what is queued, then closes both directions. */
  closeSoon(): void {
    outbox.flushFor(this.transport);
    this.transport.closeSoon();
  }

  /**
   * Closes both directions when the system has taken all that was written, else behind it. For a far side that has
   * promised to send nothing more: what it sends all the same is answered with RST, which may cost it what it has not
   * read yet. One shutdown, one read and one turn of the loop less than an end in two steps.
   */
  closeSent(): void {
    outbox.flushFor(this.transport);
    if (!this.queued) this.transport.destroy();
    else this.transport.closeSoon();
  }

  /** Closes at once; queued bytes are dropped. */
  destroy(): void {
    this.transport.destroy();
  }

  /** Closes at once with RST, so that the other side can't take what it has for the whole. */
  reset(): void {
    this.transport.reset();
  }

  get destroyed(): boolean {
    return this.transport.destroyed;
  }

  /** Whether both directions are open, so that a new exchange can begin on it. */
  get usable(): boolean {
    return this.transport.usable;
  }

  /** Whether the other side has sent FIN and its reader was told. */
  get ended(): boolean {
    return this.transport.ended;
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

  // ---- the transport's calls ----

  tookBytes(bytes: Buffer): void {
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

  tookEnd(): void {
    try {
      this.reader.onEnd();
    } catch (error) {
      fault(this, error);
    }
  }

  drained(): void {
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
    else this.transport.destroy(error);
  }

  closed(error: Error | undefined): void {
    this.error = error;
    try {
      this.reader.onClose(this.error);
    } catch (error) {
      this.error ??= asError(error);
    }
    this.owner?.wireClosed();
  }

  /** Whether anything is queued that the system has not taken yet. */
  get queued(): boolean {
    return this.transport.queued;
  }

  /**
   * Whether the system has taken anything since this was asked last: the far side reads, however slowly. A deadline for
   * what is queued asks when it begins, and when it has passed.
   */
  tookSome(): boolean {
    const { taken } = this.transport;
    const some = taken > this.takenBefore;
    this.takenBefore = taken;
    return some;
  }
}

/**
 * A mistake of ours while one connection is served must not end the others: the wire is destroyed with the error, and
 * its reader hears of it in `onClose`.
 */
function fault(wire: Wire, error: unknown): void {
  wire.transport.destroy(asError(error));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Whether a wire failed by a mistake of ours; what the system reports names the call that failed. */
export function isFault(error: Error | undefined): boolean {
  return error !== undefined && !('syscall' in error);
}
