/** Thousands of connections come and go: no socket and no memory stays. */
import { once } from 'node:events';
import net from 'node:net';
import t from 'tap';
import { leftovers, NOTHING_LEFT } from '../support/flow.js';
import { heap } from '../support/heap.js';
import { nextResponse, request, serveHttp } from '../support/http.js';
import { HEADER, RawClient } from '../support/sockets.js';
import { type RunningUsher, startUsherBefore } from '../support/usher.js';

const BATCH = 100;
/** Of each kind. */
const BATCHES = 4;
const WARM_UP = 2;

const UPGRADE = request('/chat', [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
]);
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

function sockets(): number {
  return process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length;
}

type Visit = (client: RawClient) => Promise<void>;

const visits: Readonly<Record<string, Visit>> = {
  async request(client) {
    client.send(HEADER + request('/', ['Connection: close']));
    await nextResponse(client);
    client.socket.end();
  },
  async requestThenReset(client) {
    client.send(HEADER + request('/'));
    await nextResponse(client);
    client.socket.resetAndDestroy();
  },
  async tunnel(client) {
    client.send(`${HEADER}${UPGRADE}frame`);
    await nextResponse(client);
    client.socket.end();
    await client.ended();
  },
  async tunnelThenReset(client) {
    client.send(HEADER + UPGRADE);
    await nextResponse(client);
    client.socket.resetAndDestroy();
  },
  async badHeader(client) {
    client.send('GET / HTTP/1.1\r\n\r\n');
    await client.ended();
    client.socket.destroy();
  },
};

/** Batches of each kind in turn, each forgotten when it is over. */
async function visitOften(usher: RunningUsher, batches: number): Promise<void> {
  for (let batch = 0; batch < batches; batch += 1) {
    for (const visit of Object.values(visits)) {
      await Promise.all(Array.from({ length: BATCH }, async () => visit(await open(usher.port))));
      await usher.seen.atRest();
      forget(usher);
    }
  }
}

/** Not the `connect` that others use: a test remembers what it must destroy. */
async function open(port: number): Promise<RawClient> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return new RawClient(socket);
}

/** A recorder remembers everything, which would look like a leak of the proxy's. */
function forget({ seen }: RunningUsher): void {
  for (const list of [seen.headers, seen.refusals, seen.probes, seen.exchanges, seen.tunnels, seen.closedTunnels]) {
    list.length = 0;
  }
}

t.test('two thousand connections of all kinds leave no socket and no memory', async t => {
  const { port, server } = await serveHttp(t, (_req, res) => res.end('ok'));
  server.on('upgrade', (_req, socket) => {
    socket.on('error', () => {}).on('end', () => socket.end());
    socket.resume().write(SWITCHING);
  });
  const usher = await startUsherBefore(t, port);
  await visitOften(usher, WARM_UP);
  const before = { heap: await heap(), sockets: sockets() };
  await visitOften(usher, BATCHES);
  const grown = (await heap()) - before.heap;
  t.ok(grown < 2 << 20, `${grown} bytes more`);
  t.same(await leftovers(usher), NOTHING_LEFT);
  t.ok(sockets() <= before.sockets + BATCH, `${sockets()} sockets, ${before.sockets} before`);
  t.equal(usher.seen.opened, BATCH * Object.keys(visits).length * (BATCHES + WARM_UP));
});

t.test('an idle connection keeps nothing of the request that it carried last', async t => {
  const { port } = await serveHttp(t, (_req, res) => res.end('ok'));
  const usher = await startUsherBefore(t, port);
  const count = 200;
  const clients = await Promise.all(Array.from({ length: count }, () => open(usher.port)));
  // V8 copies pieces of up to 12 characters.
  const text = request('/', [`Cookie: ${'c'.repeat(16_000)}`]).replace('chat.example', 'a-longer.chat.example');
  const before = await heap();
  for (const client of clients) {
    client.send(HEADER + text);
    await nextResponse(client);
  }
  forget(usher);
  const each = ((await heap()) - before) / count;
  t.ok(each < 8_000, `${each} bytes each`);
  for (const { socket } of clients) socket.destroy();
});
