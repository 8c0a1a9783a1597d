/** The proxy as control sees it: start, status, drain, close. */
import net from 'node:net';
import t from 'tap';
import { BindError } from '../src/listener/listener.js';
import { UsherProxy } from '../src/proxy.js';
import { leftovers, NOTHING_LEFT } from './support/flow.js';
import { field, nextResponse, request, response, serveAnswers, serveHttp, serveSpoken } from './support/http.js';
import { freePort } from './support/ports.js';
import { Recorder } from './support/recorder.js';
import { backendSettings, listenerSettings, settingsOf } from './support/settings.js';
import { connect, HEADER, serve, turns } from './support/sockets.js';
import { startUsher, startUsherBefore } from './support/usher.js';

const GET = request('/');

t.test('it says what it is and what it does', async t => {
  const { port: backendPort } = await serveAnswers(t, () => response('ok'));
  const { proxy, port, seen } = await startUsherBefore(t, backendPort);
  t.equal(proxy.status().state, 'running');
  const client = await connect(t, port, HEADER + GET);
  await nextResponse(client);
  const { listeners, backends } = proxy.status();
  const [listener] = listeners;
  t.match(listener, {
    name: 'chat',
    address: `127.0.0.1:${port}`,
    protocol: 'http',
    proxyProtocol: 'required',
    connectionsOpen: 1,
  });
  const [exchange] = seen.exchanges;
  t.equal(listener?.bytesToBackend, exchange?.bytesToBackend);
  t.equal(listener?.bytesToClient, exchange?.bytesToClient);
  t.match(backends, [
    { name: 'chat', endpoints: [{ address: `127.0.0.1:${backendPort}`, up: true, active: 0, idle: 1 }] },
  ]);
  t.equal(proxy.openConnections, 1);
});

t.test('when one address cannot be had, none is kept', async t => {
  const taken = await serve(t);
  const port = await freePort();
  const listeners = [port, taken.port].map((port, index) =>
    listenerSettings({ name: `${index}`, listen: { host: '127.0.0.1', port } }),
  );
  const proxy = new UsherProxy(settingsOf(listeners, [backendSettings([1])]), new Recorder());
  const error = await proxy.start().catch((error: Error) => error);
  t.ok(error instanceof BindError);
  t.match(error, { code: 'EADDRINUSE', port: taken.port });
  const other = net.createServer();
  await new Promise<void>(resolve => other.listen(port, '127.0.0.1', resolve));
  t.pass('the first port is free again');
  other.close();
});

t.test('backends are checked at the start, and what is found is told', async t => {
  const [up, down] = [(await serve(t)).port, await freePort()];
  const backends = [backendSettings([up]), backendSettings([down], { name: 'other' })];
  const { proxy, seen } = await startUsher(t, [listenerSettings()], backends);
  const isUp = () => proxy.status().backends.map(backend => backend.endpoints[0]?.up);
  await seen.until(() => isUp()[0] === true);
  t.same(isUp(), [true, false]);
});

t.test('draining: idle connections end, requests under way are answered and say close', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const idle = await connect(t, usher.port, HEADER);
  const silent = await connect(t, usher.port);
  const busy = await connect(t, usher.port, HEADER + GET);
  const served = await backend.connection(0);
  await usher.seen.until(() => usher.seen.headers.length === 2);
  usher.proxy.drain();
  usher.proxy.drain();
  t.equal(usher.proxy.status().state, 'draining');
  t.equal(await idle.ended(), '');
  t.equal(await silent.ended(), '');
  await t.rejects(connect(t, usher.port), { code: 'ECONNREFUSED' });
  served.send(response('done'));
  const { body, fields } = await nextResponse(busy);
  t.equal(body.toString(), 'done');
  t.equal(field(fields, 'connection'), 'close');
  for (const client of [idle, silent, busy]) client.socket.end();
  await usher.proxy.empty();
  t.equal(usher.proxy.openConnections, 0);
});

t.test('draining: a request that is half there is still answered', async t => {
  const { port } = await serveAnswers(t, () => response('ok'));
  const usher = await startUsherBefore(t, port);
  const client = await connect(t, usher.port, HEADER + GET.slice(0, 10));
  await usher.seen.until(() => usher.seen.headers.length === 1);
  usher.proxy.drain();
  client.send(GET.slice(10));
  const { status, fields } = await nextResponse(client);
  t.equal(status, 200);
  t.equal(field(fields, 'connection'), 'close');
  client.socket.end();
  await usher.proxy.empty();
});

t.test('draining: an upload goes on to its end, and new dials still work', async t => {
  const { port } = await serveHttp(t, (req, res) => {
    let bytes = 0;
    req.on('data', chunk => {
      bytes += chunk.length;
    });
    req.on('end', () => res.end(`${bytes}`));
  });
  const usher = await startUsherBefore(t, port);
  const client = await connect(t, usher.port, HEADER + request('/', ['Content-Length: 6'], 'POST'));
  client.send('abc');
  await usher.seen.until(() => usher.seen.headers.length === 1);
  usher.proxy.drain();
  client.send('def');
  t.equal((await nextResponse(client)).body.toString(), '6');
  client.socket.end();
});

t.test('draining: tunnels go on until they end or usher closes', async t => {
  const { port } = await serve(t, client => client.socket.pipe(client.socket));
  const usher = await startUsherBefore(t, port, { protocol: 'tcp' });
  const client = await connect(t, usher.port, HEADER);
  await usher.seen.until(() => usher.seen.tunnels.length === 1);
  usher.proxy.drain();
  client.send('still there?');
  await client.until('there?');
  await usher.proxy.close();
  await client.ended();
  t.equal(usher.proxy.status().state, 'closed');
  t.same(usher.seen.codes, ['drain-timeout']);
  t.match(usher.seen.closedTunnels, [{ code: 'drain-timeout', bytesToBackend: 12, bytesToClient: 12 }]);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('everybody who waits for it to be empty is told', async t => {
  const usher = await startUsherBefore(t, (await serve(t)).port);
  await usher.proxy.empty();
  const client = await connect(t, usher.port, HEADER);
  await usher.seen.until(() => usher.seen.headers.length === 1);
  const waits = [usher.proxy.empty(), usher.proxy.empty(), usher.proxy.close()];
  await Promise.all(waits);
  await client.ended();
  t.equal(usher.proxy.openConnections, 0);
  await usher.proxy.close();
});

t.test('closing while a dial is under way leaves nothing', async t => {
  const usher = await startUsherBefore(t, (await serve(t)).port);
  const client = await connect(t, usher.port, HEADER + GET);
  await usher.seen.until(() => usher.seen.headers.length === 1);
  await usher.proxy.close();
  await client.ended();
  await turns(10);
  t.same(await leftovers(usher), NOTHING_LEFT);
  t.equal(usher.proxy.status().backends[0]?.endpoints[0]?.idle, 0);
});

t.test('an error of a listener is told by its name', async t => {
  const told: string[] = [];
  const proxy = new UsherProxy(settingsOf([listenerSettings()], [backendSettings([1])]), new Recorder(), {
    acceptFailed: (listener, error) => told.push(`${listener}: ${error.message}`),
  });
  proxy.acceptFailed('chat', new Error('EMFILE'));
  t.same(told, ['chat: EMFILE']);
});
