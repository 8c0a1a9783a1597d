/** A machine without IPv6, as far as binding goes. */
import { once } from 'node:events';
import net from 'node:net';
import { constants } from 'node:os';

interface Handle {
  bind6(...args: unknown[]): number;
}

/** Runs `act` while the system refuses to bind addresses of IPv6. */
export async function withoutIPv6<Result>(act: () => Promise<Result>): Promise<Result> {
  const handle = await handlePrototype();
  const { bind6 } = handle;
  handle.bind6 = () => -constants.errno.EAFNOSUPPORT;
  try {
    return await act();
  } finally {
    handle.bind6 = bind6;
  }
}

/** The seam: what Node's servers are made of. */
async function handlePrototype(): Promise<Handle> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { _handle } = server as unknown as { readonly _handle: object };
  server.close();
  return Object.getPrototypeOf(_handle) as Handle;
}
