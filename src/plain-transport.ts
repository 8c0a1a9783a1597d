/** A TCP connection on a `net.Socket`, with what Node documents and nothing else. */
import { Socket } from 'node:net';
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
    if (socket instanceof OutgoingSocket) socket.onWriteFailed = error => user.writeFailed(error);
    socket.on('error', error => {
      this.error = error;
    });
    socket.on('data', bytes => user.tookBytes(bytes));
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

  reset(): void {
    this.socket.resetAndDestroy();
  }
}

function endOf(address: string | undefined, port: number | undefined): TransportEnd | undefined {
  return address === undefined || port === undefined ? undefined : { address, port };
}

/** A socket to connect with. */
export class OutgoingSocket extends Socket {
  /** @returns whether it should live on until it has been read to its end */
  onWriteFailed: ((error: Error) => boolean) | undefined = undefined;

  constructor() {
    super({ allowHalfOpen: true });
    this.setNoDelay(true);
    this.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    outgoing.open += 1;
  }

  override destroy(error?: Error): this {
    const failedWrite = error !== undefined && !this.destroyed && isOfWrite(error);
    return failedWrite && this.onWriteFailed?.(error) === true ? this : super.destroy(error);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    leftOutgoing(error ?? undefined);
    super._destroy(error, callback);
  }
}

function isOfWrite(error: NodeJS.ErrnoException): boolean {
  return error.syscall === 'write';
}
