/** A bound address. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import t, { type Test } from 'tap';
import { BindError, Listener, type ListenerEvents } from '../../src/listener/listener.js';
import type { Transport } from '../../src/transport.js';
import { withoutIPv6 } from '../support/no-ipv6.js';
import { turns } from '../support/sockets.js';

function listen(t: Test, host: string, port: number, sockets: Transport[] = []): Listener {
  const listener = new Listener({ host, port }, { accepted: socket => sockets.push(socket), acceptFailed: () => {} });
  t.teardown(() => {
    listener.suspend();
    for (const socket of sockets) socket.destroy();
  });
  return listener;
}

t.test('it binds, accepts, and gives its port back when it is suspended', async t => {
  const sockets: Transport[] = [];
  const listener = listen(t, '127.0.0.1', 0, sockets);
  const { port } = await listener.bind();
  const first = net.connect(port, '127.0.0.1');
  await once(first, 'connect');
  while (sockets.length === 0) await turns(1);
  listener.suspend();
  listener.suspend();
  const again = await listen(t, '127.0.0.1', port).bind();
  t.equal(again.port, port, 'another may bind it while connections go on');
  t.equal(sockets.length, 1);
  t.notOk(sockets[0]?.destroyed);
  first.destroy();
});

t.test('it pauses, and listens again where it was', async t => {
  const sockets: Transport[] = [];
  const listener = listen(t, '127.0.0.1', 0, sockets);
  const { port } = await listener.bind();
  const first = net.connect(port, '127.0.0.1');
  await once(first, 'connect');
  while (sockets.length === 0) await turns(1);
  listener.pause();
  listener.pause();
  const refused = net.connect(port, '127.0.0.1');
  t.match((await once(refused, 'error').catch((error: Error) => [error]))[0], { code: 'ECONNREFUSED' });
  await listener.resume();
  await listener.resume();
  const second = net.connect(port, '127.0.0.1');
  await once(second, 'connect');
  while (sockets.length < 2) await turns(1);
  t.notOk(sockets[0]?.destroyed, 'the first has gone on');
  first.destroy();
  second.destroy();
});

t.test('who has it when it pauses or goes on is told, once', async t => {
  const told: string[] = [];
  const events = (name: string): ListenerEvents => ({
    accepted: socket => socket.destroy(),
    acceptFailed: () => {},
    pauseChanged: paused => told.push(`${name} ${paused}`),
  });
  const listener = new Listener({ host: '127.0.0.1', port: 0 }, events('one'));
  t.teardown(() => listener.suspend());
  await listener.bind();
  listener.pause();
  listener.pause();
  t.ok(listener.paused);
  listener.handTo(events('other'));
  await listener.resume();
  t.notOk(listener.paused);
  listener.suspend();
  listener.pause();
  t.same(told, ['one true', 'other false']);
});

t.test('what was suspended while it paused, or while it listens again, stays so', async t => {
  const listener = listen(t, '127.0.0.1', 0);
  const { port } = await listener.bind();
  listener.pause();
  const resumed = listener.resume();
  listener.suspend();
  await resumed;
  await listener.resume();
  t.equal((await listen(t, '127.0.0.1', port).bind()).port, port, 'the port is free');
});

t.test('a port that another has taken meanwhile cannot be had again', async t => {
  const listener = listen(t, '127.0.0.1', 0);
  const { port } = await listener.bind();
  listener.pause();
  const other = listen(t, '127.0.0.1', port);
  await other.bind();
  await t.rejects(listener.resume(), { code: 'EADDRINUSE', port });
  other.suspend();
  await listener.resume();
  t.equal((await listener.resume()) ?? 'fine', 'fine');
});

t.test('an address that is taken is told by port and code', async t => {
  const { port } = await listen(t, '127.0.0.1', 0).bind();
  const error = await listen(t, '127.0.0.1', port)
    .bind()
    .catch((error: Error) => error);
  t.ok(error instanceof BindError);
  t.match(error, { code: 'EADDRINUSE', port, address: { host: '127.0.0.1', port } });
  t.match((error as Error).message, /^cannot listen on 127\.0\.0\.1:\d+: another process listens there/);
});

t.test('an address of another machine cannot be had', async t => {
  const error = await listen(t, '192.0.2.1', 0)
    .bind()
    .catch((error: Error) => error);
  t.match(error, { code: 'EADDRNOTAVAIL' });
});

t.test('no port below 1024 for everybody: the code of the system stays', async t => {
  t.equal(
    new BindError({ host: '::1', port: 80 }, 'EACCES').message.startsWith('cannot listen on [::1]:80: this user'),
    true,
  );
  t.match(new BindError({ host: '::1', port: 80 }, 'EOTHER').message, /: EOTHER$/);
});

t.test('a listener on :: takes both families', async t => {
  const sockets: Transport[] = [];
  const { port } = await listen(t, '::', 0, sockets).bind();
  for (const host of ['127.0.0.1', '::1']) {
    const socket = net.connect(port, host);
    await once(socket, 'connect');
    t.teardown(() => socket.destroy());
  }
  while (sockets.length < 2) await turns(1);
  t.same(sockets.map(({ remote }) => remote?.address).sort(), ['::1', '::ffff:127.0.0.1'], 'the system maps IPv4');
});

t.test('a listener on :: takes IPv4 alone where there is no IPv6', async t => {
  const bound = await withoutIPv6(() => listen(t, '::', 0).bind());
  t.equal(bound.address, '0.0.0.0');
  const refused = withoutIPv6(() => listen(t, '::1', 0).bind());
  await t.rejects(refused, { code: 'EAFNOSUPPORT' }, 'an address is what it is');
});

t.test('an error while accepting is told, and the listener goes on', async t => {
  const errors: Error[] = [];
  const sockets: Transport[] = [];
  const listener = new Listener(
    { host: '127.0.0.1', port: 0 },
    { accepted: socket => sockets.push(socket), acceptFailed: error => errors.push(error) },
  );
  t.teardown(() => listener.suspend());
  const { port } = await listener.bind();
  // The seam: what Node emits when the process is out of file descriptors.
  (listener as unknown as { servers: net.Server[] }).servers[0]?.emit('error', new Error('EMFILE'));
  t.match(errors, [{ message: 'EMFILE' }]);
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  while (sockets.length === 0) await turns(1);
  socket.destroy();
  sockets[0]?.destroy();
});

/** How many sockets listen on a port of 127.0.0.1, by Linux. */
function listening(port: number): number {
  const place = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  return readFileSync('/proc/net/tcp', 'utf8').split(place).length - 1;
}

t.test('several sockets accept where Node can ask for it, and nobody else gets the address', async t => {
  const listener = listen(t, '127.0.0.1', 0);
  const { port } = await listener.bind();
  const [major = 0] = process.versions.node.split('.').map(Number);
  t.equal(listening(port), major > 20 ? 8 : 1);
  await t.rejects(listen(t, '127.0.0.1', port).bind(), { code: 'EADDRINUSE' });
  await t.rejects(listen(t, '::', port).bind(), { code: 'EADDRINUSE' }, 'nor a part of it');
  listener.pause();
  t.equal(listening(port), 0);
  await listener.resume();
  t.equal(listening(port), major > 20 ? 8 : 1);
  const again = listen(t, '127.0.0.1', port);
  listener.suspend();
  t.equal(listening(port), 0);
  await again.bind();
});

t.test('each of many clients that come at once is accepted once', async t => {
  const transports: Transport[] = [];
  const { port } = await listen(t, '127.0.0.1', 0, transports).bind();
  const clients = Array.from({ length: 100 }, () => net.connect(port, '127.0.0.1'));
  for (const client of clients) t.teardown(() => client.destroy());
  while (transports.length < clients.length) await turns(1);
  const ports = new Set(clients.map(({ localPort }) => localPort));
  t.same(new Set(transports.map(({ remote }) => remote?.port)), ports);
});
