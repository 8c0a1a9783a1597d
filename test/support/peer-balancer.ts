/** A load balancer in a few lines, for where there is no HAProxy: names the client that it really has. */
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { Test } from 'tap';

/** Listens on 127.0.0.1 and passes connections on to `target` there, behind a v1 header; resolves with its port. */
export async function startForwarder(t: Test, target: number): Promise<number> {
  const open = new Set<Socket>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, near => {
    const far = net.connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    for (const socket of [near, far]) open.add(socket.once('close', () => open.delete(socket)));
    far.write(`PROXY TCP4 ${near.remoteAddress} ${near.localAddress} ${near.remotePort} ${near.localPort}\r\n`);
    const failed = (error: unknown): void => {
      if (!error) return;
      near.destroy();
      far.destroy();
    };
    pipeline(near, far, failed);
    pipeline(far, near, failed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}
