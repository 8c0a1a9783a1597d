/** New settings for a proxy that runs: what changes, from when on, and that nothing under way is touched. */
import { EventEmitter, once } from 'node:events';
import t, { type Test } from 'tap';
import { BindError } from '../src/listener/listener.js';
import { UsherProxy } from '../src/proxy.js';
import type { ListenerSettings } from '../src/settings.js';
import { leftovers, NOTHING_LEFT } from './support/flow.js';
import { field, nextResponse, request, response, serveAnswers, serveSpoken } from './support/http.js';
import { canBind, freePort } from './support/peer-program.js';
import { Recorder } from './support/recorder.js';
import { backendSettings, listenerSettings, settingsOf } from './support/settings.js';
import { connect, HEADER, type RawClient, serve, turns } from './support/sockets.js';
import { type RunningUsher, startUsher, startUsherBefore } from './support/usher.js';

const GET = request('/');

/** A backend that answers everything with a word. */
async function says(t: Test, word: string): Promise<number> {
  return (await serveAnswers(t, () => response(word))).port;
}

async function ask(client: RawClient, target = '/'): Promise<string> {
  client.send(request(target));
  const { status, body } = await nextResponse(client);
  return status === 200 ? body.toString() : `${status}`;
}

function routed(...routes: readonly (readonly [path: string, backend: string])[]): ListenerSettings['routes'] {
  return routes.map(([path, backend]) => ({ host: undefined, path, backend }));
}

const on = (port: number) => ({ host: '127.0.0.1', port });

t.test('a new request on an old connection goes by the new routes, to the new endpoints', async t => {
  const [one, two] = [await says(t, 'one'), await says(t, 'two')];
  const { proxy, port } = await startUsherBefore(t, one);
  const client = await connect(t, port, HEADER);
  t.equal(await ask(client), 'one');
  const routes = routed(['/two', 'other'], ['/', 'chat']);
  const backends = [backendSettings([one]), backendSettings([two], { name: 'other' })];
  t.ok(await proxy.swap(settingsOf([listenerSettings({ routes })], backends)));
  t.same([await ask(client), await ask(client, '/two')], ['one', 'two']);
  await proxy.swap(settingsOf([listenerSettings()], [backendSettings([two])]));
  t.same([await ask(client), await ask(client, '/two')], ['two', 'two']);
  t.same(
    proxy.status().backends.map(({ name }) => name),
    ['chat'],
  );
});

t.test('a reload that changes nothing costs no dial, no connection and no state', async t => {
  const port = await says(t, 'ok');
  const usher = await startUsherBefore(t, port);
  const client = await connect(t, usher.port, HEADER);
  await ask(client);
  const picture = usher.proxy.status();
  for (let n = 0; n < 10; n += 1) {
    await usher.proxy.swap(settingsOf([listenerSettings()], [backendSettings([port])]));
    await ask(client);
  }
  t.equal(usher.seen.dials.length, 1);
  const { state, backends } = usher.proxy.status();
  t.strictSame({ state, backends }, { state: picture.state, backends: picture.backends });
});

t.test('limits, methods and forwarded fields count for the next request of an old connection', async t => {
  let head = '';
  const { port } = await serveAnswers(t, text => {
    head = text;
    return response('ok');
  });
  const usher = await startUsherBefore(t, port);
  const [client, other] = [await connect(t, usher.port, HEADER), await connect(t, usher.port, HEADER)];
  for (const each of [client, other]) t.equal(await ask(each), 'ok');
  t.notMatch(head, /^forwarded:/im);
  const changes = { forwarded: true, forwardedProto: 'https', limits: { startLineBytes: 64 } } as const;
  const changed = listenerSettings({ ...changes, refusedMethods: new Set(['DELETE']) });
  await usher.proxy.swap(settingsOf([changed], [backendSettings([port])]));
  t.equal(await ask(client), 'ok');
  t.match(head, /^forwarded: for="203\.0\.113\.9:51234";proto=https/im);
  t.match(head, /^x-forwarded-proto: https/im);
  client.send(request('/', [], 'DELETE'));
  t.equal((await nextResponse(client)).status, 501);
  t.equal(await ask(other, `/${'x'.repeat(64)}`), '414');
});

t.test('a header that is waited for is judged as it was at the accept; trust counts for who comes later', async t => {
  const port = await says(t, 'ok');
  const usher = await startUsherBefore(t, port);
  const early = await connect(t, usher.port, HEADER.slice(0, 10));
  await usher.seen.until(() => usher.seen.opened === 1);
  await usher.proxy.swap(settingsOf([listenerSettings({ trustedSources: [] })], [backendSettings([port])]));
  early.send(HEADER.slice(10));
  t.equal(await ask(early), 'ok');
  const late = await connect(t, usher.port, HEADER);
  await late.ended();
  t.same(usher.seen.codes, ['source-untrusted']);
  await usher.proxy.swap(settingsOf([listenerSettings({ proxyProtocol: 'off' })], [backendSettings([port])]));
  t.equal(await ask(await connect(t, usher.port)), 'ok');
  t.equal(await ask(early), 'ok', 'who the client is stays as it was found');
});

t.test('what is under way keeps its timeouts: a slow response and a tunnel go on', async t => {
  const http = await serveSpoken(t);
  const usher = await startUsherBefore(t, http.port);
  const slow = await connect(t, usher.port, HEADER + GET);
  const slowFar = await http.connection(0);
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const upgrade = request('/', ['Connection: Upgrade', 'Upgrade: websocket', key, 'Sec-WebSocket-Version: 13']);
  const tunnel = await connect(t, usher.port, HEADER + upgrade);
  const tunnelFar = await http.connection(1);
  tunnelFar.send('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await tunnel.until('\r\n\r\n');
  const short = { responseMs: 20, responseBodyMs: 20, tunnelMs: 20, keepAliveMs: 20 };
  await usher.proxy.swap(settingsOf([listenerSettings({ timeouts: short })], [backendSettings([http.port])]));
  tunnel.send('a');
  await tunnelFar.until('a');
  const late = await connect(t, usher.port, HEADER + GET);
  await late.until('504 Gateway Timeout');
  slowFar.send(response('late'));
  await slow.until('late');
  tunnelFar.send('still here');
  await tunnel.until('still here');
  t.same(usher.seen.codes, ['backend-response-timeout'], 'nobody but who came later was cut');
  await slow.ended();
  t.pass('behind its response the new keep-alive time counts');
});

t.test('a listener that is new is bound; one that is gone is drained, and shown until it is empty', async t => {
  const http = await serveSpoken(t);
  const port = await freePort();
  const usher = await startUsherBefore(t, http.port);
  const idle = await connect(t, usher.port, HEADER);
  const busy = await connect(t, usher.port, HEADER + GET);
  const served = await http.connection(0);
  await usher.seen.until(() => usher.seen.headers.length === 2);
  const web = listenerSettings({ name: 'web', listen: on(port) });
  await usher.proxy.swap(settingsOf([web], [backendSettings([http.port])]));
  t.match(usher.proxy.status().listeners, [
    { name: 'web', address: `127.0.0.1:${port}`, leaving: undefined },
    { name: 'chat', leaving: true, connectionsOpen: 2 },
  ]);
  t.equal(usher.proxy.status().state, 'running');
  t.equal(await idle.ended(), '');
  await t.rejects(connect(t, usher.port), { code: 'ECONNREFUSED' });
  served.send(response('done'));
  const { body, fields } = await nextResponse(busy);
  t.same([body.toString(), field(fields, 'connection')], ['done', 'close']);
  const late = await connect(t, port, HEADER + GET);
  while (served.text.split('GET /').length < 3) await served.change();
  served.send(response('new'));
  t.equal((await nextResponse(late)).body.toString(), 'new', 'over the same connection to the backend');
  const [, chat] = usher.proxy.status().listeners;
  for (const client of [idle, busy]) client.socket.end();
  await usher.seen.until(() => usher.seen.closed === 2);
  const { listeners, formerListeners } = usher.proxy.status();
  t.match(listeners, [{ name: 'web' }]);
  const { name, bytesToBackend, bytesToClient } = chat ?? {};
  t.strictSame(formerListeners, [{ name, pauses: 0, bytesToBackend, bytesToClient }]);
});

t.test('a listener at another address: the old one is drained, its tunnels go on', async t => {
  const { port } = await serve(t, client => client.socket.pipe(client.socket));
  const [first, second] = [await freePort(), await freePort()];
  const tcp = (at: number) => listenerSettings({ protocol: 'tcp', listen: on(at) });
  const usher = await startUsher(t, [tcp(first)], [backendSettings([port])]);
  const tunnel = await connect(t, first, `${HEADER}one`);
  await tunnel.until('one');
  await usher.proxy.swap(settingsOf([tcp(second)], [backendSettings([port])]));
  tunnel.send('two');
  await tunnel.until('two');
  t.ok(await canBind(first));
  await (await connect(t, second, `${HEADER}three`)).until('three');
  await usher.proxy.swap(settingsOf([tcp(first)], [backendSettings([port])]));
  t.same(
    usher.proxy.status().listeners.map(({ name, leaving }) => `${name} ${leaving === true}`),
    ['chat false', 'chat true', 'chat true'],
  );
  await (await connect(t, first, `${HEADER}four`)).until('four');
  tunnel.send('five');
  await tunnel.until('five');
});

t.test('a listener that pauses changes hands too, and goes on under its new name', async t => {
  const backends = [backendSettings([await says(t, 'ok')])];
  const told: string[] = [];
  const changed = new EventEmitter();
  const openFiles = { limit: 1, count: () => 0 };
  const proxy = new UsherProxy(settingsOf([listenerSettings()], backends), new Recorder(), {
    sweepIntervalMs: 10,
    openFiles,
    pauseChanged: (name, paused) => {
      told.push(`${name} ${paused ? 'paused' : 'goes on'}`);
      changed.emit('change');
    },
  });
  await proxy.start();
  t.teardown(() => proxy.close());
  const port = Number(proxy.status().listeners[0]?.address.split(':')[1]);
  const client = await connect(t, port, HEADER);
  if (told.length === 0) await once(changed, 'change');
  await proxy.swap(settingsOf([listenerSettings({ name: 'web' })], backends));
  t.match(proxy.status().listeners, [
    { name: 'web', paused: true, pauses: 0 },
    { name: 'chat', leaving: true, paused: false, pauses: 1 },
  ]);
  client.socket.end();
  while (told.length < 2) await once(changed, 'change');
  t.same(told, ['chat paused', 'web goes on']);
  t.match(proxy.status(), {
    listeners: [{ name: 'web', paused: false }],
    formerListeners: [{ name: 'chat', pauses: 1 }],
  });
  t.equal(await ask(await connect(t, port, HEADER)), 'ok');
});

t.test('an address under another name or protocol changes hands without a gap; its connections stay', async t => {
  const [chat, web] = [await says(t, 'chat'), await says(t, 'web')];
  const [one, two] = [await freePort(), await freePort()];
  const backends = [backendSettings([chat]), backendSettings([web], { name: 'web' })];
  const listener = (name: string, port: number, backend: string, protocol: 'http' | 'tcp' = 'http') =>
    listenerSettings({ name, listen: on(port), routes: routed(['/', backend]), protocol });
  const { proxy, seen } = await startUsher(t, [listener('a', one, 'chat'), listener('b', two, 'web')], backends);
  const [old, busy] = [await connect(t, one, HEADER), await connect(t, two, HEADER)];
  t.same([await ask(old), await ask(busy)], ['chat', 'web']);
  const crossed = [listener('a', two, 'chat'), listener('b', one, 'web', 'tcp')];
  await proxy.swap(settingsOf(crossed, backends));
  await Promise.all([old.ended(), busy.ended()]);
  t.equal(await ask(await connect(t, two, HEADER)), 'chat');
  t.equal(await ask(await connect(t, one, HEADER)), 'web');
  t.same(seen.codes, []);
  t.match(proxy.status().listeners, [
    { address: `127.0.0.1:${two}` },
    { address: `127.0.0.1:${one}`, protocol: 'tcp' },
  ]);
  await proxy.close();
  t.ok((await canBind(one)) && (await canBind(two)), 'nothing stays bound');
});

t.test('an address that cannot be had: nothing has changed, and nothing new stays bound', async t => {
  const [one, two] = [await says(t, 'one'), await says(t, 'two')];
  const taken = await serve(t);
  const free = await freePort();
  const { proxy, port, seen } = await startUsherBefore(t, one);
  const client = await connect(t, port, HEADER);
  await ask(client);
  const before = proxy.status();
  const listeners = [
    listenerSettings({ timeouts: { keepAliveMs: 1 } }),
    ...[free, taken.port].map((at, index) => listenerSettings({ name: `new-${index}`, listen: on(at) })),
  ];
  const error = await proxy.swap(settingsOf(listeners, [backendSettings([two])])).catch((error: unknown) => error);
  t.ok(error instanceof BindError);
  t.match(error, { code: 'EADDRINUSE', port: taken.port, message: /another process listens there/ });
  t.ok(await canBind(free));
  t.strictSame(proxy.status(), before);
  t.equal(await ask(client), 'one');
  t.equal(seen.dials.length, 1);
});

t.test('an address that overlaps with one of its own needs a restart, and that is what it says', async t => {
  const port = await freePort();
  const before = listenerSettings({ listen: on(port) });
  const { proxy } = await startUsher(t, [before], [backendSettings([1])]);
  const wide = listenerSettings({ listen: { host: '0.0.0.0', port } });
  await t.rejects(proxy.swap(settingsOf([wide], [backendSettings([1])])), {
    message: `cannot listen on 0.0.0.0:${port}: listener chat of this usher listens on 127.0.0.1:${port}, which overlaps: that change needs a restart`,
  });
  t.match(proxy.status().listeners, [{ address: `127.0.0.1:${port}`, connectionsOpen: 0 }]);
});

t.test(
  'a request under way ends at its backend, though that is gone; the one behind it goes by the new routes',
  async t => {
    const http = await serveSpoken(t);
    const usher = await startUsherBefore(t, http.port);
    const other = listenerSettings({ routes: routed(['/', 'other']) });
    const word = await says(t, 'other');
    const client = await connect(t, usher.port, HEADER + GET + GET);
    const first = await http.connection(0);
    await usher.proxy.swap(settingsOf([other], [backendSettings([word], { name: 'other' })]));
    first.send(response('chat'));
    t.equal((await nextResponse(client)).body.toString(), 'chat', 'the request under way ends where it began');
    t.equal((await nextResponse(client)).body.toString(), 'other', 'the one behind it goes by the new routes');
    t.same(
      usher.seen.exchanges.map(({ backend, status }) => `${backend} ${status}`),
      ['chat 200', 'other 200'],
    );
  },
);

t.test('while it drains nothing changes, and a drain that comes meanwhile wins', async t => {
  const { proxy } = await startUsherBefore(t, (await serve(t)).port);
  const port = await freePort();
  const settings = settingsOf([listenerSettings({ name: 'web', listen: on(port) })], [backendSettings([1])]);
  const swapped = proxy.swap(settings);
  proxy.drain();
  t.notOk(await swapped);
  t.notOk(await proxy.swap(settings));
  t.match(proxy.status(), { state: 'draining', listeners: [{ name: 'chat' }] });
  await turns(2);
  t.ok(await canBind(port));
});

t.test('closing ends what is leaving, too', async t => {
  const { port } = await serve(t, client => client.socket.pipe(client.socket));
  const usher: RunningUsher = await startUsherBefore(t, port, { protocol: 'tcp' });
  const client = await connect(t, usher.port, `${HEADER}x`);
  await client.until('x');
  const web = listenerSettings({ name: 'web', routes: routed(['/', 'web']), listen: on(await freePort()) });
  await usher.proxy.swap(settingsOf([web], [backendSettings([port], { name: 'web' })]));
  t.equal(usher.proxy.openConnections, 1);
  await usher.proxy.close();
  await client.ended();
  t.same(usher.seen.codes, ['drain-timeout']);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('a backend that is gone: idle connections end at once, the others behind their use', async t => {
  const http = await serveSpoken(t);
  const usher = await startUsherBefore(t, http.port);
  const clients = [await connect(t, usher.port, HEADER + GET), await connect(t, usher.port, HEADER + GET)];
  const [idle, busy] = [await http.connection(0), await http.connection(1)];
  idle.send(response('one'));
  await usher.seen.until(() => usher.seen.exchanges.length === 1);
  const word = await says(t, 'other');
  const listener = listenerSettings({ routes: routed(['/', 'other']) });
  await usher.proxy.swap(settingsOf([listener], [backendSettings([word], { name: 'other' })]));
  await idle.ended();
  t.equal(busy.ending, 'open');
  busy.send(response('two'));
  await busy.ended();
  const bodies = await Promise.all(clients.map(async client => (await nextResponse(client)).body.toString()));
  t.same(bodies.sort(), ['one', 'two']);
  await usher.proxy.swap(settingsOf([listenerSettings()], [backendSettings([http.port])]));
  const [client] = clients;
  client?.send(GET);
  (await http.connection(2)).send(response('back'));
  if (client !== undefined) t.equal((await nextResponse(client)).body.toString(), 'back');
});

t.test('a response under way sets the cookie that was asked for; the next one sets the new one', async t => {
  const http = await serveSpoken(t);
  const backend = (name: string) => backendSettings([http.port], { affinity: { kind: 'cookie', name, secret: 's' } });
  const usher = await startUsher(t, [listenerSettings()], [backend('before')]);
  const client = await connect(t, usher.port, HEADER + GET);
  const served = await http.connection(0);
  await usher.proxy.swap(settingsOf([listenerSettings()], [backend('after')]));
  served.send(response('one'));
  const first = field((await nextResponse(client)).fields, 'set-cookie') ?? '';
  client.send(request('/', [`Cookie: ${first.split(';', 1)}`]));
  while (served.text.split('GET /').length < 3) await served.change();
  served.send(response('two'));
  const second = field((await nextResponse(client)).fields, 'set-cookie') ?? '';
  t.match([first, second], [/^before=/, /^after=/]);
});
