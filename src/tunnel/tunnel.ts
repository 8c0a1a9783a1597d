/**
 * A relay between two wires: after 101, or for a whole `protocol: tcp` connection. Bytes go on as they come, half-close
 * is kept, a slow reader pauses the fast writer. Of a WebSocket it follows where frames begin and end, so that usher can
 * put a Close frame where one may stand.
 */
import type { Wire, WireReader } from '../wire.js';
import { FrameScanner, type Stop } from './frames.js';

/** What a tunnel tells its owner. */
export interface TunnelOwner {
  /** usher's own Close has gone to the client. Called once. */
  tunnelClosed(): void;
  sentToBackend(bytes: number): void;
  sentToClient(bytes: number): void;
  /** Bytes went by: the tunnel is not idle. */
  tunnelActive(): void;
  /** One side is gone and the other was told to finish, which may need a deadline. Called once. */
  tunnelHalfGone(): void;
  /** Both sides are gone. Called once. */
  tunnelGone(): void;
}

/**
 * How far usher's own end of a WebSocket has come: nobody wants it; it waits for a place between two messages, or between
 * two frames; the client was told; the client has answered, and all is over.
 */
type Goodbye = 'none' | 'wanted' | 'pressed' | 'said' | 'answered';

export class Tunnel {
  private readonly fromClient: Side;
  private readonly fromBackend: Side;
  private sidesGone = 0;
  private goodbye: Goodbye = 'none';
  private goodbyeFrames: Buffer = NO_FRAMES;

  /** @param websocket whether frames go by, and are followed */
  constructor(
    readonly client: Wire,
    readonly backend: Wire,
    private readonly owner: TunnelOwner,
    websocket: boolean,
  ) {
    this.fromClient = new Side(this, client, backend, websocket ? new FrameScanner() : undefined);
    this.fromBackend = new Side(this, backend, client, websocket ? new FrameScanner() : undefined);
  }

  /** Takes both wires over; the rests (borrowed) are what had come in before, and an end may have come behind them. */
  open(fromClient: Buffer, fromBackend: Buffer): void {
    this.client.reader = this.fromClient;
    this.backend.reader = this.fromBackend;
    this.client.resume();
    this.backend.resume();
    if (fromClient.length > 0) this.fromClient.onBytes(fromClient);
    if (fromBackend.length > 0) this.fromBackend.onBytes(fromBackend);
    if (this.client.ended) this.fromClient.onEnd();
    if (this.backend.ended) this.fromBackend.onEnd();
  }

  // ---- usher's own end of a WebSocket ----

  /** Whether it is a WebSocket that nobody is closing: neither side, nor usher. */
  get closable(): boolean {
    const { client, backend, fromClient, fromBackend, sidesGone, goodbye } = this;
    if (goodbye !== 'none' || sidesGone > 0 || client.ended || backend.ended) return false;
    return fromClient.frames?.closing === false && fromBackend.frames?.closing === false;
  }

  /**
   * Sends these frames, the last of which is a Close, to the client as soon as no message of the backend's is under way,
   * and drops what the backend sends behind them. The client's answer goes to the backend, and ends both sides.
   */
  close(frames: Buffer): void {
    if (!this.closable) return;
    this.goodbye = 'wanted';
    this.goodbyeFrames = frames;
    if (this.fromBackend.frames?.betweenMessages === true) this.sayGoodbye();
  }

  /** A message that does not end is not waited for any more: the end of a frame is enough. */
  press(): void {
    if (this.goodbye !== 'wanted') return;
    this.goodbye = 'pressed';
    if (this.fromBackend.frames?.betweenFrames === true) this.sayGoodbye();
  }

  /** Whether a goodbye still waits for its place. */
  get closing(): boolean {
    return this.goodbye === 'wanted' || this.goodbye === 'pressed';
  }

  /** Whether usher closes it, or has closed it. */
  get ending(): boolean {
    return this.goodbye !== 'none';
  }

  /** Where the backend's side stops to say goodbye. */
  get stop(): Stop {
    return this.goodbye === 'pressed' ? 'frame' : 'message';
  }

  /** Nothing of the backend's goes to the client behind usher's Close (RFC 6455 5.5.1). */
  get muted(): boolean {
    return this.goodbye === 'said' || this.goodbye === 'answered';
  }

  /** Nothing of the client's goes to the backend behind its answer. */
  get answered(): boolean {
    return this.goodbye === 'answered';
  }

  sayGoodbye(): void {
    this.goodbye = 'said';
    this.client.write(this.goodbyeFrames);
    this.owner.sentToClient(this.goodbyeFrames.length);
    this.goodbyeFrames = NO_FRAMES;
    this.owner.tunnelClosed();
  }

  /** Nothing more comes from the backend: this is the last place for a goodbye that waits for one. */
  backendEnded(): void {
    if (!this.closing) return;
    if (this.fromBackend.frames?.betweenFrames === true && !this.client.destroyed) this.sayGoodbye();
    else this.leaveIt();
  }

  /** A side closes by itself: there is nothing left to say. */
  leaveIt(): void {
    this.goodbye = 'none';
    this.goodbyeFrames = NO_FRAMES;
  }

  /** The client's Close has gone to the backend: both sides know, and a server is the first to end (RFC 6455 7.1.1). */
  endBoth(): void {
    this.goodbye = 'answered';
    this.client.end();
    this.backend.end();
  }

  // ---- for its sides ----

  /** Called by a side that relayed bytes. */
  relayed(to: Wire, bytes: number): void {
    if (to === this.backend) this.owner.sentToBackend(bytes);
    else this.owner.sentToClient(bytes);
    this.owner.tunnelActive();
  }

  /** A wire is gone: what it had sent is still flushed to the other, then that one closes too. */
  sideGone(other: Wire): void {
    if (other === this.client) this.backendEnded();
    this.sidesGone += 1;
    if (this.sidesGone === 2) this.owner.tunnelGone();
    else {
      other.closeSoon();
      this.owner.tunnelHalfGone();
    }
  }

  /** Whether the side that is left has taken some of what is queued for it, since this was asked last. */
  tookSome(): boolean {
    const client = this.client.tookSome();
    return this.backend.tookSome() || client;
  }

  /** Whether both sides are gone. */
  get gone(): boolean {
    return this.sidesGone === 2;
  }

  /** Ends both sides at once. */
  destroy(): void {
    this.client.destroy();
    this.backend.destroy();
  }
}

/** Reads one wire of a tunnel and writes to the other. */
class Side implements WireReader {
  constructor(
    private readonly tunnel: Tunnel,
    private readonly from: Wire,
    private readonly to: Wire,
    readonly frames: FrameScanner | undefined,
  ) {}

  onBytes(bytes: Buffer): void {
    if (this.to.destroyed) return;
    const { frames, tunnel } = this;
    if (frames === undefined) this.relay(bytes);
    else if (tunnel.ending) this.relayLast(bytes, frames);
    else {
      frames.skip(bytes);
      this.relay(bytes);
    }
  }

  private relay(bytes: Buffer): void {
    this.to.write(bytes);
    this.tunnel.relayed(this.to, bytes.length);
    if (this.to.congested) this.from.pause();
  }

  /** While usher closes the WebSocket. */
  private relayLast(bytes: Buffer, frames: FrameScanner): void {
    const { tunnel } = this;
    if (this.to === tunnel.backend) this.relayAnswer(bytes, frames);
    else if (!tunnel.muted) this.relayToStop(bytes, frames, tunnel.stop);
  }

  private relayAnswer(bytes: Buffer, frames: FrameScanner): void {
    const { tunnel } = this;
    if (tunnel.answered) return;
    if (!tunnel.muted) {
      frames.skip(bytes);
      this.relay(bytes);
      if (frames.closing) tunnel.leaveIt();
      return;
    }
    const end = endOfClose(bytes, frames);
    this.relay(bytes.subarray(0, end));
    if (frames.closing && frames.betweenFrames) tunnel.endBoth();
  }

  private relayToStop(bytes: Buffer, frames: FrameScanner, stop: Stop): void {
    const end = frames.scanTo(bytes, stop);
    if (frames.closing) {
      this.tunnel.leaveIt();
      frames.skip(bytes.subarray(end));
      this.relay(bytes);
      return;
    }
    this.relay(bytes.subarray(0, end));
    if (stop === 'frame' ? frames.betweenFrames : frames.betweenMessages) this.tunnel.sayGoodbye();
  }

  onEnd(): void {
    const { tunnel } = this;
    if (this.to === tunnel.client) tunnel.backendEnded();
    this.to.end();
  }

  /** This side's own wire has taken what was queued: the other side may go on reading. */
  onDrain(): void {
    this.to.resume();
  }

  onClose(): void {
    this.tunnel.sideGone(this.to);
  }
}

const NO_FRAMES = Buffer.alloc(0);

/** The offset behind a Close that ends in these bytes, or their number. */
function endOfClose(bytes: Buffer, frames: FrameScanner): number {
  let at = 0;
  while (at < bytes.length && !(frames.closing && frames.betweenFrames)) {
    at += frames.scanTo(bytes.subarray(at), 'frame');
  }
  return at;
}
