/** `protocol: tcp`: behind the PROXY header bytes are relayed and not looked at. */
import { createHash, randomBytes } from 'node:crypto';
import t from 'tap';
import { leftovers, NOTHING_LEFT, standstill } from '../support/flow.js';
import { serveSpoken } from '../support/http.js';
import { deafPort, freePort } from '../support/ports.js';
import { backendSettings, listenerSettings } from '../support/settings.js';
import { connect, HEADER, sendPieces, serve, turns } from '../support/sockets.js';
import { startUsher, startUsherBefore } from '../support/usher.js';

const TCP = { protocol: 'tcp' } as const;

t.test('bytes are relayed as they are, all 256 of them, behind a header in the same segment', async t => {
  const backend = await serve(t, client => client.socket.pipe(client.socket));
  const usher = await startUsherBefore(t, backend.port, TCP);
  const bytes = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), randomBytes(300_000)]);
  const client = await connect(t, usher.port, Buffer.concat([Buffer.from(HEADER), bytes]));
  client.socket.end();
  await client.ended();
  t.equal(createHash('sha1').update(client.received).digest('hex'), createHash('sha1').update(bytes).digest('hex'));
  await usher.seen.atRest();
  t.match(usher.seen.closedTunnels, [
    {
      backend: 'chat',
      endpoint: `127.0.0.1:${backend.port}`,
      bytesToBackend: bytes.length,
      bytesToClient: bytes.length,
    },
  ]);
  t.same(usher.seen.exchanges, []);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('the header itself is not passed on, and neither is its TLVs', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port, TCP);
  const client = await connect(t, usher.port);
  await sendPieces(client, [...`${HEADER}payload`]);
  t.equal(await (await backend.connection(0)).until('payload'), 'payload');
});

t.test('a server that speaks first is heard', async t => {
  const backend = await serve(t, client => client.send('220 welcome\r\n'));
  const usher = await startUsherBefore(t, backend.port, TCP);
  const client = await connect(t, usher.port, HEADER);
  t.equal(await client.until('\r\n'), '220 welcome\r\n');
});

t.test('without a PROXY header the tunnel begins with the connection', async t => {
  const backend = await serve(t, client => client.send('220 welcome\r\n'));
  const usher = await startUsherBefore(t, backend.port, { ...TCP, proxyProtocol: 'off' });
  t.equal(await (await connect(t, usher.port)).until('\r\n'), '220 welcome\r\n');
  t.same(usher.seen.headers, ['none none 127.0.0.1']);
});

t.test('a client that ends first still gets the answer', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port, TCP);
  const client = await connect(t, usher.port, `${HEADER}question`);
  client.socket.end();
  const served = await backend.connection(0);
  t.equal(await served.ended(), 'question');
  served.send('answer');
  served.socket.end();
  t.equal(await client.ended(), 'answer');
  await usher.seen.atRest();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('a backend that ends first still gets what the client says', async t => {
  const backend = await serveSpoken(t, client => {
    client.send('bye');
    client.socket.end();
  });
  const usher = await startUsherBefore(t, backend.port, TCP);
  const client = await connect(t, usher.port, `${HEADER}one`);
  t.equal(await client.ended(), 'bye');
  client.send(' two');
  const served = await backend.connection(0);
  await served.until('one two');
  client.socket.end();
  await usher.seen.atRest();
});

t.test('bytes and an end that come before the dial is done wait for it', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port, TCP);
  const client = await connect(t, usher.port, `${HEADER}all at once`);
  client.send(', and then some');
  client.socket.end();
  const served = await backend.connection(0);
  t.equal(await served.ended(), 'all at once, and then some');
  t.match(usher.seen.tunnels, [{ bytesToBackend: 0 }]);
});

t.test('a client that floods while the dial is under way is held back', async t => {
  const port = await deafPort(t);
  const backends = [backendSettings([port], { timeouts: { connectMs: 500 } })];
  const usher = await startUsher(t, [listenerSettings(TCP)], backends);
  const client = await connect(t, usher.port, HEADER);
  const size = 32 * (1 << 20);
  client.send(Buffer.alloc(size));
  await standstill(() => client.socket.writableLength);
  t.ok(client.socket.writableLength > size / 2, 'most of it is still with the client');
  t.equal(await client.ended(), '');
  t.same(usher.seen.codes, ['backend-connect-timeout']);
});

t.test('a backend that is down ends the connection without a byte', async t => {
  const usher = await startUsherBefore(t, await freePort(), TCP);
  const client = await connect(t, usher.port, `${HEADER}hello`);
  t.equal(await client.ended(), '');
  await usher.seen.atRest();
  t.same(usher.seen.codes, ['backend-unreachable']);
  t.same(usher.seen.tunnels, []);
  t.same(usher.seen.probes, []);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('a listener without a route for tcp refuses', async t => {
  const routes = [{ host: 'other.example', path: '/', backend: 'chat' }];
  const usher = await startUsher(t, [listenerSettings({ ...TCP, routes })], [backendSettings([1])]);
  await (await connect(t, usher.port, HEADER)).ended();
  await usher.seen.atRest();
  t.same(usher.seen.codes, ['route-missing']);
});

t.test('a client that leaves while the dial is under way leaves nothing behind', async t => {
  const backend = await serve(t, ({ socket }) => socket.on('end', () => socket.end()));
  const usher = await startUsherBefore(t, backend.port, TCP);
  const client = await connect(t, usher.port, HEADER);
  client.socket.resetAndDestroy();
  await usher.seen.until(() => usher.seen.closed === 1);
  await turns(20);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('a tunnel without a byte ends when its time is over', async t => {
  const backend = await serve(t);
  const usher = await startUsherBefore(t, backend.port, { ...TCP, timeouts: { tunnelMs: 30 } });
  const client = await connect(t, usher.port, HEADER);
  t.equal(await client.ended(), '');
  await usher.seen.atRest();
  t.same(usher.seen.codes, ['tunnel-idle']);
  t.match(usher.seen.closedTunnels, [{ code: 'tunnel-idle' }]);
});

t.test('zero means that a tunnel may be idle for ever', async t => {
  const backend = await serve(t, client => client.socket.pipe(client.socket));
  const usher = await startUsherBefore(t, backend.port, { ...TCP, timeouts: { tunnelMs: 0 } });
  const client = await connect(t, usher.port, `${HEADER}x`);
  await client.until('x');
  await turns(50);
  client.send('y');
  await client.until('xy');
});
