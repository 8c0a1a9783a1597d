/** A connection for HTTP that carries one exchange after another. */
import type { Socket } from 'node:net';
import type { Subject } from '../subject.js';
import { openConnection } from './connection.js';
import { ResponseReader } from './response-reader.js';

export class HttpConnection {
  /** The response of the last exchange. */
  readonly response = new ResponseReader();
  private readonly socket: Socket;
  private closed = false;
  private settle: (complete: boolean) => void = () => {};

  constructor(subject: Subject) {
    this.socket = openConnection(subject, Buffer.alloc(0), {
      onBytes: bytes => this.take(bytes),
      onClose: () => {
        this.closed = true;
        this.settle(false);
      },
    });
  }

  /** Sends a whole request; resolves with whether a whole response came. */
  exchange(request: Buffer): Promise<boolean> {
    return new Promise(resolve => {
      this.settle = resolve;
      if (this.closed) resolve(false);
      else this.socket.write(request);
    });
  }

  destroy(): void {
    this.socket.destroy();
  }

  private take(bytes: Buffer): void {
    const state = this.response.take(bytes);
    if (state === 'done') this.settle(true);
    else if (state === 'bad') this.socket.destroy();
  }
}
