/** A connection that we make on Node's handle alone; `bare-transport.ts` has what becomes of it. */
import { BareTransport } from './bare-transport.js';
import { type Handles, handles, systemError, type TcpHandle } from './handles.js';
import { KEEP_ALIVE_DELAY_MS, leftOutgoing, outgoing } from './transport.js';

/** What is told of a connection that we make; one of the two is called, once, never inside the call that connects. */
export interface BareConnectUser {
  onConnected(transport: BareTransport): void;
  onFailed(error: NodeJS.ErrnoException): void;
}

/** A connection that we make, on its way. */
export class BareConnect {
  private readonly handle: TcpHandle;
  private over = false;

  /** @param family 4 or 6; `address` is one of it */
  constructor(
    address: string,
    family: number,
    port: number,
    private readonly user: BareConnectUser,
  ) {
    // Nobody makes one where there are none.
    const node = handles as Handles;
    const handle = node.newHandle();
    this.handle = handle;
    outgoing.open += 1;
    const request = node.newConnect();
    request.oncomplete = status => this.done(status);
    const status = family === 6 ? handle.connect6(request, address, port) : handle.connect(request, address, port);
    if (status !== 0) setImmediate(() => this.done(status));
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    if (!this.over) this.leave(undefined);
  }

  private done(status: number): void {
    if (this.over) return;
    if (status !== 0) {
      const error = systemError(status, 'connect');
      this.leave(error);
      this.user.onFailed(error);
      return;
    }
    this.over = true;
    this.handle.setNoDelay(true);
    this.handle.setKeepAlive(true, KEEP_ALIVE_DELAY_MS / 1000);
    this.user.onConnected(new BareTransport(this.handle, true));
  }

  private leave(error: Error | undefined): void {
    this.over = true;
    leftOutgoing(error);
    this.handle.close();
  }
}
