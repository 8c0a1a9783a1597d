/**
 * A pretend load balancer for the demo: takes TCP connections and passes them on behind a PROXY v1 line that names a
 * made-up client, as a Classic Load Balancer would for someone far away. A browser on the same machine can't have
 * another address than loopback, so without it the page would have nothing to show.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** A running pretend balancer. */
export interface Balancer {
  readonly port: number;
  /** Ends every connection and frees the port. */
  close(): Promise<void>;
}

export interface BalancerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly host: string;
  /** Where the connections go: usher's listener. */
  readonly target: { readonly host: string; readonly port: number };
  /** IPv4 address that every connection claims to come from. */
  readonly client: string;
}

/** Binds the balancer; rejects with the system's error when the address can't be bound. */
export async function startBalancer(options: BalancerOptions): Promise<Balancer> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, near => {
    open.add(near);
    near.once('close', () => open.delete(near));
    near.on('error', () => near.destroy());
    pass(near, options);
  });
  server.maxConnections = 200;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const near of open) {
          near.destroy();
        }
      }),
  };
}

/** Joins one connection to the target; whichever direction fails takes both sides with it. */
function pass(near: Socket, options: BalancerOptions): void {
  const far = connect({ ...options.target, allowHalfOpen: true, noDelay: true });
  const settle = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null && error !== undefined) {
      near.destroy();
      far.destroy();
    }
  };
  far.write(`PROXY TCP4 ${options.client} 127.0.0.1 ${near.remotePort ?? 0} ${near.localPort ?? 0}\r\n`);
  pipeline(near, far, settle);
  pipeline(far, near, settle);
}
