/** A real Socket.IO server and its own client behind a load balancer and usher: polling first, then a WebSocket. */
import { randomBytes } from 'node:crypto';
import type { Socket as ServerSocket } from 'socket.io';
import t, { type Test } from 'tap';
import { startForwarder } from '../support/peer-balancer.js';
import { clientAt, request } from '../support/peer-client.js';
import { startHaproxy } from '../support/peer-haproxy.js';
import { type ClientSocket, connectClient, type RunningSocketIo, startSocketIo } from '../support/peer-socket-io.js';
import { needProgram } from '../support/peers.js';
import type { Recorder } from '../support/recorder.js';
import { type BackendChanges, backendSettings, listenerSettings } from '../support/settings.js';
import { startUsher } from '../support/usher.js';

/** Puts a balancer in front of usher's port; undefined where it can't be had. */
type Balancer = (t: Test, usher: number) => Promise<number | undefined>;

const balancers: readonly { readonly name: string; readonly start: Balancer }[] = [
  { name: 'a small forwarder', start: startForwarder },
  {
    name: 'HAProxy',
    start: async (t, server) => {
      const program = needProgram(t, 'haproxy');
      if (program === undefined) return undefined;
      return (await startHaproxy(t, program, { lb: { server, words: 'send-proxy-v2' } })).ports.lb;
    },
  },
];

interface Way {
  readonly port: number;
  readonly seen: Recorder;
  readonly servers: readonly RunningSocketIo[];
}

async function startWay(
  t: Test,
  balancer: Balancer,
  count: number,
  changes?: BackendChanges,
): Promise<Way | undefined> {
  const servers: RunningSocketIo[] = [];
  while (servers.length < count) servers.push(await startSocketIo(t));
  const ports = servers.map(({ port }) => port);
  const usher = await startUsher(t, [listenerSettings()], [backendSettings(ports, changes)]);
  const port = await balancer(t, usher.port);
  return port === undefined ? undefined : { port, seen: usher.seen, servers };
}

/** Resolves when the client speaks over its WebSocket. */
function upgraded({ io: { engine } }: ClientSocket): Promise<void> {
  return new Promise(resolve => {
    if (engine.transport.name === 'websocket') resolve();
    else engine.once('upgrade', resolve);
  });
}

function heard(socket: ClientSocket, event: string): Promise<unknown> {
  return new Promise(resolve => socket.once(event, resolve));
}

/** The server's end of a client. */
function farEnd({ io }: RunningSocketIo, client: ClientSocket): ServerSocket | undefined {
  return io.sockets.sockets.get(client.id);
}

const text = 'Grüße aus der letzten Reihe 🎭';

for (const { name, start } of balancers) {
  t.test(`behind ${name}`, async t => {
    const way = await startWay(t, start, 1);
    const [server] = way?.servers ?? [];
    if (way === undefined || server === undefined) return;
    const { port, seen } = way;

    await t.test('polls, upgrades, talks, and is known by its address', async t => {
      const addresses = ['127.0.0.5', '127.0.0.6', '127.0.0.7'];
      const clients = await Promise.all(addresses.map(from => connectClient(t, port, from)));
      for (const [n, client] of clients.entries()) {
        const from = addresses[n];
        t.equal(await client.emitWithAck('echo', text), text);
        t.match(farEnd(server, client)?.handshake, {
          address: '127.0.0.1',
          headers: { 'x-forwarded-for': from, 'x-real-ip': from },
        });
      }
      await Promise.all(clients.map(upgraded));
      for (const [n, client] of clients.entries()) {
        const request = farEnd(server, client)?.conn.request;
        t.equal(farEnd(server, client)?.conn.transport.name, 'websocket');
        t.equal(request?.headers['x-forwarded-for'], addresses[n]);
        t.equal(await client.emitWithAck('echo', text), text);
        const bytes = randomBytes(200_000);
        const answer = await client.emitWithAck('echo', bytes);
        t.ok(bytes.equals(new Uint8Array(answer as ArrayBuffer)), 'bytes come back over the WebSocket');
      }
      const all = Promise.all(clients.map(client => heard(client, 'said')));
      clients[0]?.emit('say', 'to everyone');
      t.same(
        await all,
        clients.map(() => 'to everyone'),
      );
    });

    await t.test('a client that only polls: long polls wait, and bring what is said', async t => {
      const client = await connectClient(t, port, '127.0.0.8', false);
      const pings = new Promise<void>(resolve => {
        let count = 0;
        client.io.on('ping', () => {
          count += 1;
          if (count === 5) resolve();
        });
      });
      const long = text.repeat(10_000);
      t.ok((await client.emitWithAck('echo', long)) === long, 'a long text comes back over a poll');
      await pings;
      const said = heard(client, 'said');
      server.io.emit('said', 'after five heartbeats');
      t.equal(await said, 'after five heartbeats');
      t.equal(client.io.engine.transport.name, 'polling');
    });

    await t.test('both ends learn who hung up', async t => {
      const first = await connectClient(t, port, '127.0.0.5');
      await upgraded(first);
      const far = farEnd(server, first);
      const reason = new Promise(resolve => far?.once('disconnect', resolve));
      first.disconnect();
      t.equal(await reason, 'client namespace disconnect');

      const second = await connectClient(t, port, '127.0.0.6');
      await upgraded(second);
      const told = heard(second, 'disconnect');
      farEnd(server, second)?.disconnect(true);
      t.equal(await told, 'io server disconnect');
    });

    await seen.until(() => seen.closedTunnels.length === seen.tunnels.length);
    t.equal(seen.tunnels.length, 5);
    t.same(
      seen.refusals.filter(({ code }) => code !== 'client-aborted'),
      [],
    );
  });

  t.test(`two servers behind ${name}`, async t => {
    const way = await startWay(t, start, 2, { balance: 'hash', affinity: { kind: 'client-ip' } });
    if (way === undefined) return;
    // So many that they all meet one server once in half a million runs.
    const clients = Array.from({ length: 20 }, (_, n) => `127.0.1.${n + 1}`).map(from =>
      connectClient(t, way.port, from),
    );
    for (const client of await Promise.all(clients)) {
      await upgraded(client);
      t.equal(await client.emitWithAck('echo', text), text);
    }
    const shares = way.servers.map(({ io }) => io.sockets.sockets.size);
    t.ok(
      shares.every(share => share > 0),
      `every server has clients: ${shares.join(', ')}`,
    );
    t.same(way.seen.refusals, []);
  });
}

t.test('two servers without affinity: the second request of a session meets the wrong one', async t => {
  const way = await startWay(t, startForwarder, 2);
  if (way === undefined) return;
  const agent = clientAt(t, '127.0.0.5');
  const path = '/socket.io/?EIO=4&transport=polling';
  const handshake = await request(agent, { port: way.port, path });
  t.match(handshake, { status: 200, body: /^0\{"sid":/ });
  const { sid } = JSON.parse(handshake.body.subarray(1).toString());
  const poll = await request(agent, { port: way.port, path: `${path}&sid=${sid}`, method: 'POST', body: '40' });
  t.match(poll, { status: 400 });
  t.same(JSON.parse(poll.body.toString()), { code: 1, message: 'Session ID unknown' });
});
