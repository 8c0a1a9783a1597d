/** Sessions of real Socket.IO servers, whose memory nobody shares, behind the real HAProxy and usher. */
import { once } from 'node:events';
import type { Socket } from 'socket.io-client';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { leftovers, NOTHING_LEFT } from '../support/flow.js';
import { HeaderAgent, request } from '../support/peer-client.js';
import { startHaproxy } from '../support/peer-haproxy.js';
import { needProgram } from '../support/peers.js';
import {
  addressOf,
  clientOf,
  connected,
  haveSessions,
  kindOf,
  SessionAgent,
  type SessionKind,
  upgraded,
} from '../support/sessions-client.js';
import { type SessionServer, startMortalServers, startSessionServers } from '../support/sessions-server.js';
import { type BackendChanges, backendSettings, listenerSettings } from '../support/settings.js';
import { type RunningUsher, startUsher } from '../support/usher.js';

// Twenty seconds of work on a slow machine, and other tests run beside it.
t.setTimeout(120_000);

/** CI runs fewer on the newer Node lines, to stay within its time. */
const SESSIONS = Number(process.env['USHER_SESSIONS'] ?? 500);

const SOCKET_IO = { kind: 'socket.io', path: '/socket.io/' } as const;

interface Way {
  /** HAProxy's. */
  readonly port: number;
  readonly ushers: readonly RunningUsher[];
  readonly servers: readonly SessionServer[];
}

/** HAProxy, `count` ushers in turn, and three servers that every usher knows; undefined where there is no HAProxy. */
async function startWay(t: Test, count: number, changes: BackendChanges): Promise<Way | undefined> {
  const program = needProgram(t, 'haproxy');
  if (program === undefined) return undefined;
  const servers = await startSessionServers(t, 3);
  const backend = backendSettings(
    servers.map(({ port }) => port),
    changes,
  );
  const ushers: RunningUsher[] = [];
  // A poll waits for its session to say something, which on a busy machine takes longer than tests usually allow.
  const listener = listenerSettings({ timeouts: { responseMs: 60_000 } });
  while (ushers.length < count) ushers.push(await startUsher(t, [listener], [backend]));
  const [first, ...others] = ushers.map(({ port }) => port);
  const lines = others.map((port, n) => `server beside${n} 127.0.0.1:${port} send-proxy-v2`);
  const { ports } = await startHaproxy(t, program, {
    lb: { server: first ?? 0, words: 'send-proxy-v2', lines: ['balance roundrobin', ...lines] },
  });
  return { port: ports.lb, ushers, servers };
}

const unknownTo = (servers: readonly SessionServer[]) => servers.reduce((sum, { unknown }) => sum + unknown, 0);
const opened = (servers: readonly SessionServer[]) => servers.map(server => server.opened);

/** What usher refused; clients that close while they wait for something don't count. */
function refusals(ushers: readonly RunningUsher[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const code of ushers.flatMap(({ seen }) => seen.codes)) {
    if (code !== 'client-aborted') counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

async function nothingIsLeft(t: Test, ushers: readonly RunningUsher[]): Promise<void> {
  for (const usher of ushers) t.same(await leftovers(usher), NOTHING_LEFT);
}

/** Where connections come from: each from another address, or all of a session from one. */
const roaming = (session: number, n: number) => addressOf(session * 31 + n);
const staying = (session: number) => addressOf(session);

const setups = [
  { name: 'one usher, every connection from another address', count: 1, balance: 'round-robin', from: roaming },
  { name: 'two ushers in turn, every client at its address', count: 2, balance: 'hash', from: staying },
] as const;

for (const { name, count, balance, from } of setups) {
  t.test(`${SESSIONS} sessions, not one is unknown: ${name}`, async t => {
    const way = await startWay(t, count, { balance, affinity: SOCKET_IO });
    if (way === undefined) return;
    const { port, ushers, servers } = way;
    const { whole, connections, broken } = await haveSessions(port, SESSIONS, from);
    t.same(broken, {}, 'no session broke');
    t.equal(whole, SESSIONS);
    t.comment(`${whole} sessions over ${connections} connections, by server: ${opened(servers).join(', ')}`);
    t.equal(unknownTo(servers), 0);
    t.same(refusals(ushers), {});
    t.ok(
      opened(servers).every(sessions => sessions > 0),
      `every server has had sessions: ${opened(servers).join(', ')}`,
    );
    for (const { seen } of ushers)
      t.ok(seen.exchanges.length > 0, `an usher has carried ${seen.exchanges.length} exchanges`);
    await nothingIsLeft(t, ushers);
  });
}

t.test('without affinity the same sessions break: they are unknown somewhere', async t => {
  const way = await startWay(t, 1, { balance: 'round-robin' });
  if (way === undefined) return;
  const { port, ushers, servers } = way;
  const count = SESSIONS / 5;
  const { whole, broken } = await haveSessions(port, count, roaming);
  t.comment(`${whole} of ${count} came to their end, ${unknownTo(servers)} requests met the wrong server`);
  for (const [cause, times] of Object.entries(broken)) t.comment(`${times} broke, ${cause}`);
  t.ok(whole < count / 10, `${whole} sessions came to their end`);
  t.ok(unknownTo(servers) > 0.9 * count, `${unknownTo(servers)} requests met the wrong server`);
  const causes = Object.keys(broken);
  t.ok(
    causes.some(cause => cause.includes('"Session ID unknown"')),
    'which says so',
  );
  // The client keeps to itself what an upgrade was answered with.
  t.same(
    causes.filter(cause => !/"Session ID unknown"|upgrade: probe error: Error: websocket error/.test(cause)),
    [],
    'and nothing else went wrong',
  );
  t.same(refusals(ushers), {}, 'usher itself refused nothing');
  // A poll of a client that has gone waits for its answer all the same: half a connection is still one.
  for (const server of servers) server.endSessions();
  await nothingIsLeft(t, ushers);
});

// ---- rooms ----

const ROOMS = 200;

/** Members come from anywhere: over kept connections, and one with a WebSocket of its own in every room. */
const MEMBERS = ['203.0.113.9', '198.51.100.77', '192.0.2.1', '100.64.7.200'];

async function homesOf(t: Test, usher: RunningUsher): Promise<string[]> {
  const { port } = usher;
  const agents = MEMBERS.map(address => new HeaderAgent(t, `PROXY TCP4 ${address} 10.0.1.20 51234 443\r\n`));
  const [first, second, third, fourth] = agents as [HeaderAgent, HeaderAgent, HeaderAgent, HeaderAgent];
  const ask = async (agent: HeaderAgent, path: string) => (await request(agent, { port, path })).body.toString();
  const homes: string[] = [];
  const scattered: string[] = [];
  for (let room = 0; room < ROOMS; room += 1) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/room/r${room}/live`, { agent: fourth });
    const told = once(socket, 'message');
    const met = [
      await ask(first, `/room/r${room}`),
      await ask(second, `/room/r${room}/messages?since=${room}`),
      await ask(third, `/room/%72${room}`),
      String((await told)[0]),
    ];
    socket.terminate();
    if (new Set(met).size !== 1) scattered.push(`room ${room}: ${met.join(' ')}`);
    homes.push(met[0] ?? '');
  }
  t.same(scattered, [], `all members of each of ${ROOMS} rooms are on one endpoint`);
  for (const agent of agents) agent.destroy();
  t.same(await leftovers(usher), NOTHING_LEFT);
  return homes;
}

t.test(`${ROOMS} rooms: all members on one endpoint, and one that is added takes only its share`, async t => {
  const servers = await startSessionServers(t, 4);
  const ports = servers.map(({ port }) => port);
  const changes = { balance: 'hash', affinity: { kind: 'path', pattern: '/room/:id' } } as const;
  const usherFor = (known: readonly number[]) => startUsher(t, [listenerSettings()], [backendSettings(known, changes)]);
  const before = await homesOf(t, await usherFor(ports.slice(0, 3)));
  const after = await homesOf(t, await usherFor(ports));
  const added = servers[3]?.name;
  const moved = after.filter((home, room) => home !== before[room]);
  const shares = servers.map(({ name }) => after.filter(home => home === name).length);
  t.comment(`${moved.length} of ${ROOMS} rooms moved, ideal ${ROOMS / 4}; rooms by endpoint: ${shares.join(', ')}`);
  t.same(new Set(moved), new Set([added]), 'rooms that move, move to the new one');
  t.equal(new Set(before).size, 3);
  // Five standard deviations of as many tosses: the ports, and with them the homes, differ from run to run.
  const tolerance = 5 * Math.sqrt((ROOMS * 3) / 16);
  t.ok(Math.abs(moved.length - ROOMS / 4) < tolerance, `${moved.length} of ${ROOMS} rooms moved`);
});

// ---- an endpoint that dies ----

/** Somebody who asks without a pause, one thing after the other. */
abstract class Visitor {
  /** The server that answered before one was killed. */
  home = '';
  /** What was asked in vain. */
  failures = 0;
  private stopped = false;

  /** Resolves with the name of a server. */
  abstract where(): Promise<string>;

  /** Resolves when it may ask again. */
  abstract recovered(): Promise<void>;

  /** Until it is stopped. */
  async run(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.where();
      } catch {
        this.failures += 1;
        await this.recovered();
      }
    }
  }

  stop(): void {
    this.stopped = true;
  }
}

/** Over HTTP. */
class Reader extends Visitor {
  readonly agent: SessionAgent;

  constructor(
    private readonly port: number,
    n: number,
  ) {
    super();
    this.agent = new SessionAgent(n % 2 === 0, () => addressOf(n));
  }

  async where(): Promise<string> {
    const { status, body } = await request(this.agent, { port: this.port });
    if (status !== 200) throw new Error(`status ${status}`);
    return body.toString();
  }

  async recovered(): Promise<void> {}
}

/** With Socket.IO. */
class Chatter extends Visitor {
  readonly agent: SessionAgent;
  readonly socket: Socket;
  readonly kind: SessionKind;
  disconnects = 0;
  /** Handshakes that failed. */
  vain = 0;

  constructor(port: number, n: number) {
    super();
    this.kind = kindOf(n);
    this.agent = new SessionAgent(this.kind.keepAlive, () => addressOf(1_000 + n));
    this.socket = clientOf(port, this.kind, this.agent, true);
    this.socket.on('disconnect', () => {
      this.disconnects += 1;
    });
    this.socket.on('connect_error', () => {
      this.vain += 1;
    });
  }

  async where(): Promise<string> {
    return await this.socket.emitWithAck('where');
  }

  async recovered(): Promise<void> {
    if (!this.socket.connected) await connected(this.socket);
  }

  async arrived(): Promise<void> {
    await connected(this.socket);
    if (this.kind.upgrade) await upgraded(this.socket);
  }
}

const CHATTERS = 40;
const READERS = 30;

async function visitors(t: Test, port: number): Promise<{ readers: Reader[]; chatters: Chatter[] }> {
  const readers = Array.from({ length: READERS }, (_, n) => new Reader(port, n));
  const chatters = Array.from({ length: CHATTERS }, (_, n) => new Chatter(port, n));
  t.teardown(() => {
    for (const { socket } of chatters) socket.disconnect();
    for (const { agent } of [...readers, ...chatters]) agent.cut();
  });
  await Promise.all(chatters.map(chatter => chatter.arrived()));
  for (const visitor of [...readers, ...chatters]) visitor.home = await visitor.where();
  return { readers, chatters };
}

t.test('an endpoint that is killed: everybody is answered by another one with the next request', async t => {
  const program = needProgram(t, 'haproxy');
  if (program === undefined) return;
  const servers = await startMortalServers(t, 3);
  const ports = servers.map(({ port }) => port);
  const routes = [
    { host: undefined, path: '/socket.io/', backend: 'chat' },
    { host: undefined, path: '/', backend: 'pages' },
  ];
  const usher = await startUsher(
    t,
    [listenerSettings({ routes })],
    [
      backendSettings(ports, { affinity: SOCKET_IO }),
      backendSettings(ports, { name: 'pages', balance: 'hash', affinity: { kind: 'client-ip' } }),
    ],
  );
  const { lb: port } = (await startHaproxy(t, program, { lb: { server: usher.port, words: 'send-proxy-v2' } })).ports;
  const { readers, chatters } = await visitors(t, port);
  const all = [...readers, ...chatters];
  // A chatter's home, because a reader's follows from its address and this run's ports.
  const victim = servers.find(({ name }) => name === chatters[0]?.home);
  if (victim === undefined) throw new Error('chatters live somewhere');

  const running = all.map(visitor => visitor.run());
  const orphans = chatters.filter(({ home }) => home === victim.name);
  const back = orphans.map(({ socket }) => connected(socket));
  await victim.program.stop();
  await Promise.all(back);
  for (const visitor of all) visitor.stop();
  await Promise.all(running);

  const astray: string[] = [];
  for (const visitor of all) {
    const { home } = visitor;
    const now = await visitor.where();
    if (now === victim.name || (home !== victim.name && now !== home)) astray.push(`${home}: ${now}`);
  }
  t.same(astray, [], 'visitors of the dead one are answered by another, and all others have stayed where they were');
  const failed = all.filter(({ failures }) => failures > 0);
  const moved = all.filter(({ home }) => home === victim.name);
  t.comment(`${moved.length} of ${all.length} moved, ${failed.length} of them lost what was under way`);
  t.ok(
    all.every(({ home, failures }) => failures <= (home === victim.name ? 1 : 0)),
    'nobody lost more than what was under way',
  );
  t.same(
    chatters.map(({ disconnects }) => disconnects),
    chatters.map(({ home }) => (home === victim.name ? 1 : 0)),
    'only sessions of the dead endpoint ended',
  );
  t.equal(
    chatters.reduce((sum, { vain }) => sum + vain, 0),
    0,
    'every first handshake was answered',
  );
  t.comment(`refusals: ${JSON.stringify(refusals([usher]))}`);
  t.same(
    usher.seen.changes.filter(change => change.endsWith('down')).map(change => change.split(' ')[0]),
    [victim.name, victim.name],
    'both backends have told of it',
  );

  for (const { socket } of chatters) socket.disconnect();
  for (const { agent } of all) await agent.end();
  t.same(await leftovers(usher), NOTHING_LEFT);
});
