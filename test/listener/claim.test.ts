/** Whether an address can be had alone: asked of the system, in one call. */
import net from 'node:net';
import t, { type Test } from 'tap';
import { type Handles, handles } from '../../src/handles.js';
import { claim } from '../../src/listener/claim.js';

const node = handles as Handles;
/** Where Node knows it; its types don't yet. */
const SHARED = { reusePort: true };

async function listening(t: Test, options: net.ListenOptions): Promise<number> {
  const server = net.createServer();
  t.teardown(() => server.close());
  await new Promise<void>(resolve => server.listen(options, resolve));
  return (server.address() as net.AddressInfo).port;
}

t.test('an address that is free is given back at once', async t => {
  const port = claim(node, { host: '127.0.0.1', port: 0 });
  t.type(port, 'number');
  t.equal(claim(node, { host: '127.0.0.1', port: Number(port) }), port, 'a second time');
  t.equal(await listening(t, { host: '127.0.0.1', port: Number(port) }), port);
});

t.test('why it can not be had', async t => {
  const port = await listening(t, { host: '127.0.0.1', port: 0 });
  t.equal(claim(node, { host: '127.0.0.1', port }), 'EADDRINUSE');
  t.equal(claim(node, { host: '0.0.0.0', port }), 'EADDRINUSE', 'an address that holds it');
  t.equal(claim(node, { host: '192.0.2.1', port: 0 }), 'EADDRNOTAVAIL', 'an address of nobody here');
});

t.test('an address that is shared can not be had alone', async t => {
  const port = await listening(t, { host: '127.0.0.1', port: 0, ...SHARED });
  t.equal(claim(node, { host: '127.0.0.1', port }), 'EADDRINUSE');
});

t.test('without IPv6 any address is any of IPv4', async t => {
  const without: Handles = {
    ...node,
    newAccepting: () => {
      const handle = node.newAccepting();
      handle.bind6 = () => -97;
      return handle;
    },
  };
  const port = claim(without, { host: '::', port: 0 });
  t.type(port, 'number');
  t.equal(claim(without, { host: '::1', port: 0 }), 'EAFNOSUPPORT');
});
