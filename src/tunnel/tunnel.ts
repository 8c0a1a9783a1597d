/**
 * A relay between two wires that looks at nothing: after 101, or for a whole `protocol: tcp` connection. Bytes go on
 * as they come, half-close is kept, a slow reader pauses the fast writer.
 */
import type { Wire, WireReader } from '../wire.js';

/** What a tunnel tells its owner. */
export interface TunnelOwner {
  sentToBackend(bytes: number): void;
  sentToClient(bytes: number): void;
  /** Bytes went by: the tunnel is not idle. */
  tunnelActive(): void;
  /** One side is gone and the other was told to finish, which may need a deadline. Called once. */
  tunnelHalfGone(): void;
  /** Both sides are gone. Called once. */
  tunnelGone(): void;
}

export class Tunnel {
  private readonly fromClient: Side;
  private readonly fromBackend: Side;
  private sidesGone = 0;

  constructor(
    readonly client: Wire,
    readonly backend: Wire,
    private readonly owner: TunnelOwner,
  ) {
    this.fromClient = new Side(this, client, backend);
    this.fromBackend = new Side(this, backend, client);
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

  /** Called by a side that relayed bytes. */
  relayed(to: Wire, bytes: number): void {
    if (to === this.backend) this.owner.sentToBackend(bytes);
    else this.owner.sentToClient(bytes);
    this.owner.tunnelActive();
  }

  /** A wire is gone: what it had sent is still flushed to the other, then that one closes too. */
  sideGone(other: Wire): void {
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
  ) {}

  onBytes(bytes: Buffer): void {
    if (this.to.destroyed) return;
    this.to.write(bytes);
    this.tunnel.relayed(this.to, bytes.length);
    if (this.to.congested) this.from.pause();
  }

  onEnd(): void {
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
