/** A TCP connection on a `net.Socket`, with what Node documents and nothing else. */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { SHARED, sharedBeginnings } from './read-buffers.js';
import {
  KEEP_ALIVE_DELAY_MS,
  leftOutgoing,
  outgoing,
  type Transport,
  type TransportEnd,
  type TransportUser,
} from './transport.js';

export class PlainTransport implements Transport {
  private error: Error | undefined = undefined;

  /** @param socket is connected, and is closed by us alone (`allowHalfOpen`) */
  constructor(readonly socket: Socket) {}

  serve(user: TransportUser): void {
    const { socket } = this;
    if (socket instanceof OutgoingSocket) socket.user = user;
    else socket.on('data', bytes => user.tookBytes(bytes));
    socket.on('error', error => {
      this.error = error;
    });
    socket.on('end', () => user.tookEnd());
    socket.on('drain', () => user.drained());
    socket.on('close', () => user.closed(this.error));
  }

  get destroyed(): boolean {
    return this.socket.destroyed;
  }

  get queued(): boolean {
    return this.socket.writableLength > 0;
  }

  /** A full queue alone says less: what was written while corked fills it until the very `uncork` that empties it. */
  get congested(): boolean {
    return this.socket.writableNeedDrain && this.socket.writableLength > 0;
  }

  get taken(): number {
    return this.destroyed ? 0 : this.socket.bytesWritten - this.socket.writableLength;
  }

  get ended(): boolean {
    return this.socket.readableEnded;
  }

  get usable(): boolean {
    return this.socket.writable && this.socket.readable;
  }

  get remote(): TransportEnd | undefined {
    return endOf(this.socket.remoteAddress, this.socket.remotePort);
  }

  get local(): TransportEnd | undefined {
    return endOf(this.socket.localAddress, this.socket.localPort);
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  transferOver(): void {}

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  closeSoon(): void {
    this.socket.destroySoon();
  }

  destroy(error?: Error): void {
    this.socket.destroy(error);
  }

  /** Node never closes a socket that is reset while it waits to send its FIN. */
  reset(): void {
    const { socket } = this;
    if (socket.writableEnded && !socket.writableFinished) socket.destroy();
    else socket.resetAndDestroy();
  }
}

function endOf(address: string | undefined, port: number | undefined): TransportEnd | undefined {
  return address === undefined || port === undefined ? undefined : { address, port };
}

/**
 * A socket to connect with. It reads by `onread`, which goes on when a write has failed: 'data' would not, and an early
 * response be lost with it.
 */
export class OutgoingSocket extends Socket {
  user: TransportUser | undefined = undefined;

  constructor() {
    super(OPTIONS);
    this.setNoDelay(true);
    this.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    outgoing.open += 1;
  }

  override destroy(error?: Error): this {
    const failedWrite = error !== undefined && !this.destroyed && isOfWrite(error);
    return failedWrite && this.user?.writeFailed(error) === true ? this : super.destroy(error);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    leftOutgoing(error ?? undefined);
    super._destroy(error, callback);
  }
}

/** Its types know `onread` for `connect` alone. */
const OPTIONS: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
  allowHalfOpen: true,
  onread: { buffer: () => SHARED, callback: onRead },
};

/** Node calls it as a method of the socket. */
function onRead(this: unknown, count: number): boolean {
  (this as OutgoingSocket).user?.tookBytes(sharedBeginnings.of(count));
  return true;
}

function isOfWrite(error: NodeJS.ErrnoException): boolean {
  return error.syscall === 'write';
}
