/** Affinity through a real proxy: requests that belong together meet one endpoint, whoever brings them. */
import { randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import t, { type Test } from 'tap';
import type { AffinitySettings } from '../../src/settings.js';
import { ask, connectClient, type Origin, Session, type SessionForm, stranger } from '../support/affinity-clients.js';
import {
  type HandshakeForm,
  type NamedEndpoint,
  type SocketIoEndpoint,
  startNamed,
  startSocketIo,
} from '../support/affinity-endpoints.js';
import { leftovers, NOTHING_LEFT } from '../support/flow.js';
import { nextResponse, request as requestText } from '../support/http.js';
import { HeaderAgent, request } from '../support/peer-client.js';
import { type BackendChanges, backendSettings, listenerSettings } from '../support/settings.js';
import { connect, HEADER, serve } from '../support/sockets.js';
import { type RunningUsher, startUsher } from '../support/usher.js';

const SOCKET_IO: AffinitySettings = { kind: 'socket.io', path: '/socket.io/' };
const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
};
const LOST = '{"code":1,"message":"Session ID unknown"}';

function usherBefore(t: Test, endpoints: readonly { port: number }[], changes: BackendChanges): Promise<RunningUsher> {
  const ports = endpoints.map(({ port }) => port);
  return startUsher(t, [listenerSettings()], [backendSettings(ports, changes)]);
}

/** Three Socket.IO servers behind usher, which spreads new sessions evenly. */
async function startSocketIos(t: Test, changes: BackendChanges = {}, form: HandshakeForm = 'length') {
  const endpoints = await Promise.all(['a', 'b', 'c'].map(() => startSocketIo(t, form)));
  const usher = await usherBefore(t, endpoints, { affinity: SOCKET_IO, ...changes });
  return { endpoints, usher };
}

/** Calls `make` so often at once. */
function many<T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => make(n)));
}

function shares(endpoints: readonly SocketIoEndpoint[]): number[] {
  return endpoints.map(({ sessions }) => sessions);
}

/** Which endpoints each session's requests went to. */
function placesOf({ seen }: RunningUsher): Map<string, Set<string | undefined>> {
  const places = new Map<string, Set<string | undefined>>();
  for (const { target = '', endpoint } of seen.exchanges) {
    const sid = new URLSearchParams(target.slice(target.indexOf('?'))).get('sid');
    if (sid !== null) places.set(sid, (places.get(sid) ?? new Set()).add(endpoint));
  }
  return places;
}

function statuses({ seen }: RunningUsher): number[] {
  return [...new Set(seen.exchanges.map(({ status }) => status))].sort();
}

t.test('Socket.IO: every poll and every POST by somebody else finds its server', async t => {
  const { endpoints, usher } = await startSocketIos(t);
  const sessions = await many(60, () => Session.open(usher.port));
  t.same(shares(endpoints), [20, 20, 20], 'new sessions are spread');
  await Promise.all(
    sessions.map(async session => {
      await session.join();
      for (const word of ['one', 'two', 'three', 'four']) t.equal(await session.echo(word), word);
    }),
  );
  t.same(statuses(usher), [200]);
  const places = [...placesOf(usher).values()];
  t.equal(places.length, 60);
  t.ok(places.every(({ size }) => size === 1));
  t.equal(new Set(usher.seen.headers).size, usher.seen.headers.length, 'no address came twice');
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('Socket.IO: the same without affinity meets servers that do not know the session', async t => {
  const { usher } = await startSocketIos(t, { affinity: undefined });
  const { target } = await Session.open(usher.port);
  const answers = await many(3, () => ask(usher.port, { target, method: 'POST', body: '40' }));
  t.equal(answers.filter(({ status, body }) => status === 400 && body === LOST).length, 2);
});

t.test('Socket.IO: the requests of many sessions over one connection find their servers', async t => {
  const { endpoints, usher } = await startSocketIos(t);
  const sessions = await many(6, () => Session.open(usher.port));
  t.same(shares(endpoints), [2, 2, 2]);
  const agent = new HeaderAgent(t, HEADER);
  for (const { target } of sessions) {
    const answer = await request(agent, { port: usher.port, path: target, method: 'POST', body: '40' });
    t.match(answer, { status: 200 });
  }
  t.equal(agent.opened, 1);
  agent.destroy();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('Socket.IO: a WebSocket from another address finds the server of its sid', async t => {
  const { endpoints, usher } = await startSocketIos(t);
  const sessions = await many(15, async () => (await Session.open(usher.port)).join());
  t.same(shares(endpoints), [5, 5, 5]);
  for (const session of sessions) {
    const { echo, close } = await session.upgrade(t);
    t.equal(await echo('over the WebSocket'), 'over the WebSocket');
    await close();
  }
  t.same(statuses(usher), [101, 200]);
  t.ok([...placesOf(usher).values()].every(({ size }) => size === 1));
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('Socket.IO: new sessions are placed by client, so that an usher that has learnt nothing finds them', async t => {
  const { endpoints, usher } = await startSocketIos(t, { balance: 'hash' });
  const restarted = await usherBefore(t, endpoints, { affinity: SOCKET_IO, balance: 'hash' });
  for (let n = 1; n <= 60; n += 1) {
    const origin = { client: `2001:db8:0:${n.toString(16)}::1` };
    const { target } = await Session.open(usher.port, { eio: 4 }, origin);
    const neighbour = { client: `2001:db8:0:${n.toString(16)}:a:b:c:d` };
    const post = await ask(restarted.port, { target, method: 'POST', body: '40' }, neighbour);
    t.match(post, { status: 200, body: 'ok' });
  }
  t.ok(
    shares(endpoints).every(share => share > 0),
    'clients are spread',
  );
  for (const each of [usher, restarted]) t.same(await leftovers(each), NOTHING_LEFT);
});

const forms: readonly (readonly [name: string, form: SessionForm])[] = [
  ['revision 4', { eio: 4 }],
  ['revision 4 with JSONP', { eio: 4, jsonp: true }],
  ['revision 3', { eio: 3 }],
  ['revision 3 with JSONP', { eio: 3, jsonp: true }],
];

for (const handshake of ['length', 'chunks'] as const) {
  t.test(`Socket.IO: a handshake with ${handshake}`, async t => {
    const { endpoints, usher } = await startSocketIos(t, {}, handshake);
    for (const [name, form] of forms) {
      await t.test(name, async t => {
        const { headers } = await ask(usher.port, { target: '/socket.io/?EIO=4&transport=polling' });
        t.equal('content-length' in headers, handshake === 'length');
        const sessions = await many(6, () => Session.open(usher.port, form));
        for (const session of sessions) {
          await session.join();
          t.equal(await session.echo('hello'), 'hello');
        }
        if (form.jsonp) return;
        for (const session of sessions) {
          const { echo, close } = await session.upgrade(t);
          t.equal(await echo('over the WebSocket'), 'over the WebSocket');
          await close();
        }
      });
    }
    t.same(statuses(usher), [101, 200]);
    t.ok([...placesOf(usher).values()].every(({ size }) => size === 1));
    t.ok(shares(endpoints).every(share => share > 0));
    t.same(await leftovers(usher), NOTHING_LEFT);
  });
}

function handshakeText(): string {
  return `0{"sid":"${randomUUID()}","upgrades":[],"pingInterval":25000,"pingTimeout":20000}`;
}

t.test('Socket.IO: the path may lack its slash, and may be another one', async t => {
  for (const [path, target] of [
    ['/socket.io/', '/socket.io?EIO=4&transport=polling'],
    ['/chat/live', '/chat/live/?transport=polling&EIO=4'],
  ] as const) {
    const endpoints = await many(3, () => startNamed(t, handshakeText));
    const usher = await usherBefore(t, endpoints, { affinity: { kind: 'socket.io', path } });
    const opened = await many(6, () => ask(usher.port, { target }));
    for (const { body, headers } of opened) {
      const { sid } = JSON.parse(body.slice(1));
      const again = await ask(usher.port, { target: `${target}&sid=${sid}` });
      t.equal(again.headers['x-endpoint'], headers['x-endpoint']);
    }
    t.same(await leftovers(usher), NOTHING_LEFT);
  }
});

// ---- endpoints that die, and that leave ----

t.test('Socket.IO: the session of a dead endpoint is answered so that the client opens a new one at once', async t => {
  const { endpoints, usher } = await startSocketIos(t);
  const sessions = await many(12, async () => (await Session.open(usher.port)).join());
  const [dead, ...living] = endpoints;
  dead?.kill();
  for (const { target, sid } of sessions) {
    if (!placesOf(usher).get(sid)?.has(dead?.label)) continue;
    const origin = 'https://chat.example';
    const poll = await ask(usher.port, { target, headers: { Origin: origin } });
    t.match(poll, { status: 400, body: LOST });
    t.match(poll.headers, { 'content-type': 'application/json', 'access-control-allow-origin': origin });
    const post = await ask(usher.port, { target, method: 'POST', body: '40' });
    t.match(post, { status: 400, body: LOST });
    const upgrade = await ask(usher.port, { target: target.replace('polling', 'websocket'), headers: UPGRADE });
    t.match(upgrade, { status: 400, body: LOST });
    const next = await (await Session.open(usher.port)).join();
    t.equal(await next.echo('back'), 'back');
  }
  t.same(usher.seen.codes, Array(12).fill('session-lost'));
  t.same(shares(living), [6, 6], 'those of the living went on, and got the new ones');
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('Socket.IO: so are more sessions at once than usher would move requests', async t => {
  const { endpoints, usher } = await startSocketIos(t);
  const { seen, port, proxy } = usher;
  const [first, ...others] = endpoints;
  for (const { label } of others) proxy.drainEndpoint('chat', label, true);
  const sessions: Session[] = [];
  while (sessions.length < 200) sessions.push(...(await many(50, () => Session.open(port))));
  for (const { label } of others) proxy.drainEndpoint('chat', label, false);
  t.same(shares(endpoints), [200, 0, 0]);

  const clients = await Promise.all(sessions.map(() => connect(t, port, HEADER)));
  await seen.until(() => seen.headers.length === 400);
  first?.kill();
  // Polls, not POSTs: one whose pooled connection dies under it is sent again.
  for (const [n, client] of clients.entries()) client.send(requestText(sessions[n]?.target ?? ''));
  const answers = await Promise.all(clients.map(client => nextResponse(client)));
  t.ok(answers.every(({ status, body }) => status === 400 && body.toString() === LOST));
  t.same(seen.codes, Array(200).fill('session-lost'));
  for (const { socket } of clients) socket.end();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test("Socket.IO's own client polls and upgrades from ever new addresses", async t => {
  const { endpoints, usher } = await startSocketIos(t);
  const clients = await many(12, n => connectClient(t, usher.port, n % 2 === 0));
  t.same(shares(endpoints), [4, 4, 4]);
  for (const client of clients) t.equal(await client.emitWithAck('echo', 'hello'), 'hello');
  await usher.seen.until(() => usher.seen.tunnels.length === 6);
  for (const client of clients) t.equal(await client.emitWithAck('echo', 'again'), 'again');
  for (const client of clients) client.disconnect();
  t.same(await leftovers(usher), NOTHING_LEFT);
  t.same(statuses(usher), [101, 200]);
  t.ok([...placesOf(usher).values()].every(({ size }) => size === 1));
});

for (const upgrade of [false, true]) {
  const how = upgrade ? 'under WebSockets' : 'under polls';
  t.test(`Socket.IO's own client comes back at once when its server dies ${how}`, async t => {
    const { endpoints, usher } = await startSocketIos(t);
    const { seen } = usher;
    const clients = await many(12, () => connectClient(t, usher.port, upgrade));
    if (upgrade) await seen.until(() => seen.tunnels.length === 12);
    for (const client of clients) t.equal(await client.emitWithAck('echo', 'before'), 'before');

    const [dead, ...living] = endpoints;
    const orphans = clients.filter(({ id }) => dead?.has(id));
    let disconnects = 0;
    let failures = 0;
    for (const client of clients) {
      client.on('disconnect', () => {
        disconnects += 1;
      });
      client.on('connect_error', () => {
        failures += 1;
      });
    }
    const back = orphans.map(client => new Promise<void>(resolve => client.once('connect', () => resolve())));
    dead?.kill();
    await Promise.all(back);
    for (const client of clients) t.equal(await client.emitWithAck('echo', 'after'), 'after');
    t.equal(orphans.length, 4);
    t.equal(disconnects, 4, 'the others noticed nothing');
    t.equal(failures, 0, 'the first attempt to come back did it');
    t.ok(clients.every(({ id }) => living.some(endpoint => endpoint.has(id))));
    for (const client of clients) client.disconnect();
    t.same(await leftovers(usher), NOTHING_LEFT);
  });
}

t.test('Socket.IO: a draining endpoint keeps its sessions and gets no new ones', async t => {
  const { endpoints, usher } = await startSocketIos(t);
  const { proxy, port } = usher;
  const sessions = await many(9, async () => (await Session.open(port)).join());
  const label = endpoints[0]?.label ?? '';
  t.equal(proxy.drainEndpoint('chat', label, true), true);
  await many(6, () => Session.open(port));
  t.same(shares(endpoints), [3, 6, 6]);
  for (const session of sessions) {
    t.equal(await session.echo('still'), 'still');
    const { echo, close } = await session.upgrade(t);
    t.equal(await echo('here'), 'here');
    await close();
  }
  t.same(statuses(usher), [101, 200]);
  proxy.drainEndpoint('chat', label, false);
  await many(3, () => Session.open(port));
  const newest = usher.seen.exchanges.slice(-3).map(({ endpoint }) => endpoint);
  t.ok(newest.includes(label), 'and gets new ones again');
  t.same(await leftovers(usher), NOTHING_LEFT);
});

// ---- plain servers that say who they are ----

function startNameds(t: Test): Promise<NamedEndpoint[]> {
  return many(3, () => startNamed(t));
}

interface Visit {
  readonly target?: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Value of usher's cookie. */
  readonly cookie?: string | undefined;
  readonly upgrade?: boolean;
  readonly origin?: Origin;
}

interface Visited {
  readonly endpoint: string;
  /** usher's Set-Cookie; undefined: there was none. */
  readonly given: string | undefined;
  /** Its value. */
  readonly cookie: string | undefined;
}

/** One request over a connection of its own. */
async function visit(port: number, { target = '/', headers, cookie, upgrade, origin }: Visit = {}): Promise<Visited> {
  const fields = {
    ...(cookie === undefined ? {} : { Cookie: `theme=dark; usher=${cookie}; own=1` }),
    ...(upgrade ? UPGRADE : {}),
    ...headers,
  };
  const answer = await ask(port, { target, headers: fields }, origin);
  const given = answer.headers['set-cookie']?.filter(text => text.startsWith('usher=')) ?? [];
  if (answer.status !== (upgrade ? 101 : 200) || given.length > 1) throw new Error(JSON.stringify(answer));
  return {
    endpoint: String(answer.headers['x-endpoint']),
    given: given[0],
    cookie: /=([^;]*)/.exec(given[0] ?? '')?.[1],
  };
}

function distinct(visits: readonly Visited[]): number {
  return new Set(visits.map(({ endpoint }) => endpoint)).size;
}

const COOKIE: AffinitySettings = { kind: 'cookie', name: 'usher', secret: 'a secret of many ushers, long enough' };

t.test('cookie: the first response gives it, and from then on it finds its endpoint', async t => {
  const usher = await usherBefore(t, await startNameds(t), { affinity: COOKIE });
  const { port } = usher;
  for (const upgrade of [false, true]) {
    const firsts = await many(9, () => visit(port, { upgrade }));
    t.equal(distinct(firsts), 3, 'visitors are spread');
    for (const { endpoint, cookie } of firsts) {
      for (const later of await many(4, n => visit(port, { cookie, upgrade: n % 2 === 0 }))) {
        t.same(later, { endpoint, given: undefined, cookie: undefined });
      }
    }
  }
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('cookie: one connection brings the cookies of all, each to its endpoint', async t => {
  const usher = await usherBefore(t, await startNameds(t), { affinity: COOKIE });
  const firsts = await many(3, () => visit(usher.port));
  t.equal(distinct(firsts), 3);
  const agent = new HeaderAgent(t, HEADER);
  for (const { endpoint, cookie } of [...firsts, ...firsts]) {
    const { headers } = await request(agent, { port: usher.port, headers: { Cookie: `usher=${cookie}` } });
    t.match(headers, { 'x-endpoint': endpoint, 'set-cookie': ['own=1'] });
  }
  t.equal(agent.opened, 1);
  agent.destroy();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('cookie: a stale one of the same name hides none behind it', async t => {
  const usher = await usherBefore(t, await startNameds(t), { affinity: COOKIE });
  const { endpoint, cookie } = await visit(usher.port);
  for (const both of [`${'A'.repeat(22)}; usher=${cookie}`, `${cookie}; usher=${'A'.repeat(22)}`]) {
    for (const later of await many(4, () => visit(usher.port, { cookie: both }))) {
      t.same(later, { endpoint, given: undefined, cookie: undefined });
    }
  }
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('cookie: out of reach of scripts, and secure when the client came by https', async t => {
  const usher = await usherBefore(t, await startNameds(t), { affinity: COOKIE });
  const client = '192.0.2.7';
  const cases: readonly (readonly [origin: Origin, secure: boolean])[] = [
    [{ client, version: 1 }, false],
    [{ client, version: 1, port: 443 }, true],
    [{ client }, false],
    [{ client, port: 443 }, true],
    [{ client, port: 8443, ssl: 1 }, true],
    [{ client: '2001:db8::7', port: 80, ssl: 5 }, true],
    [{ client, port: 443, ssl: 0 }, false],
  ];
  for (const [origin, secure] of cases) {
    for (const upgrade of [false, true]) {
      const { given, cookie } = await visit(usher.port, { origin, upgrade });
      const attributes = secure ? 'SameSite=None; Secure; Partitioned' : 'SameSite=Lax';
      t.equal(given, `usher=${cookie}; Path=/; HttpOnly; ${attributes}`, JSON.stringify(origin));
    }
  }
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('cookie: the value tells nothing of the address', async t => {
  const endpoints = await startNameds(t);
  const usher = await usherBefore(t, endpoints, { affinity: COOKIE });
  const values = new Set((await many(12, () => visit(usher.port))).map(({ cookie = '' }) => cookie));
  t.equal(values.size, 3, 'one for each endpoint');
  for (const value of values) {
    t.match(value, /^[A-Za-z0-9_-]{22}$/);
    const texts = [value, Buffer.from(value, 'base64url').toString('latin1')];
    for (const { port } of endpoints) t.notOk(texts.some(text => text.includes(String(port))));
  }
});

t.test('cookie: one that names no endpoint of the backend is as none, and replaced', async t => {
  const endpoints = await startNameds(t);
  const elsewhere = await serve(t);
  const usher = await usherBefore(t, endpoints, { affinity: COOKIE });
  const other = await usherBefore(t, endpoints, { affinity: { ...COOKIE, secret: 'the secret of somebody else' } });
  const right = (await visit(usher.port)).cookie ?? '';
  const address = `127.0.0.1:${elsewhere.port}`;
  const wrong: Readonly<Record<string, string>> = {
    'made up': 'AAAAAAAAAAAAAAAAAAAAAA',
    'an address': address,
    'an address in base64': Buffer.from(address).toString('base64url'),
    'an address as HAProxy and BIG-IP write it': `16777343.${elsewhere.port}.0000`,
    'the name of an endpoint in clear text': endpoints[0]?.label ?? '',
    'of another secret': (await visit(other.port)).cookie ?? '',
    'cut short': right.slice(0, -1),
    'with one character more': `${right}A`,
    'in quotes': `"${right}"`,
    nothing: '',
    'longer than any': 'A'.repeat(4_000),
  };
  for (const [name, cookie] of Object.entries(wrong)) {
    const visits = [];
    for (let n = 0; n < 3; n += 1) visits.push(await visit(usher.port, { cookie, upgrade: n === 1 }));
    t.equal(distinct(visits), 3, `${name} is placed by balance`);
    for (const { endpoint, cookie: fresh } of visits) {
      t.not(fresh, undefined, `${name} is replaced`);
      t.match(await visit(usher.port, { cookie: fresh }), { endpoint, given: undefined });
    }
  }
  t.equal(elsewhere.connections.length, 0, 'nobody was led to an address of his choice');
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('cookie: that of an endpoint which has died or was removed leads to another one and is replaced', async t => {
  const endpoints = await startNameds(t);
  const usher = await usherBefore(t, endpoints, { affinity: COOKIE });
  const firsts = await many(3, () => visit(usher.port));
  const dead = endpoints[0];
  const orphan = firsts.find(({ endpoint }) => endpoint === dead?.label);
  const smaller = await usherBefore(t, endpoints.slice(1), { affinity: COOKIE });
  dead?.kill();
  for (const { port } of [usher, smaller]) {
    for (const upgrade of [false, true]) {
      const { endpoint, cookie } = await visit(port, { cookie: orphan?.cookie, upgrade });
      t.not(endpoint, dead?.label);
      t.match(cookie, /^[A-Za-z0-9_-]{22}$/);
      t.match(await visit(port, { cookie }), { endpoint, given: undefined });
    }
    for (const { endpoint, cookie } of firsts) {
      if (endpoint !== dead?.label) t.match(await visit(port, { cookie }), { endpoint, given: undefined });
    }
  }
  for (const each of [usher, smaller]) t.same(await leftovers(each), NOTHING_LEFT);
});

t.test('cookie: that of a draining endpoint goes on working, and is given to nobody new', async t => {
  const endpoints = await startNameds(t);
  const usher = await usherBefore(t, endpoints, { affinity: COOKIE });
  const firsts = await many(3, () => visit(usher.port));
  const label = endpoints[0]?.label ?? '';
  usher.proxy.drainEndpoint('chat', label, true);
  for (const { endpoint, cookie } of firsts) {
    t.match(await visit(usher.port, { cookie, upgrade: true }), { endpoint, given: undefined });
  }
  const newcomers = await many(10, () => visit(usher.port));
  t.notOk(newcomers.some(({ endpoint }) => endpoint === label));
  t.same(await leftovers(usher), NOTHING_LEFT);
});

// ---- keys ----

interface KeyCase {
  readonly name: string;
  readonly affinity: AffinitySettings;
  /** What somebody asks who is in that room. */
  readonly ask: (room: string, upgrade: boolean) => Visit;
}

const keys: readonly KeyCase[] = [
  {
    name: 'header',
    affinity: { kind: 'header', name: 'x-room' },
    ask: (room, upgrade) => ({ headers: { 'X-Room': room }, upgrade }),
  },
  {
    name: 'query',
    affinity: { kind: 'query', name: 'room' },
    ask: (room, upgrade) => ({ target: `/${upgrade ? 'live' : 'history'}?t=${Math.random()}&room=${room}`, upgrade }),
  },
  {
    name: 'path',
    affinity: { kind: 'path', pattern: '/room/:id' },
    ask: (room, upgrade) => ({ target: `/room/${room}/${upgrade ? 'live' : 'history?room=1'}`, upgrade }),
  },
];

for (const { name, affinity, ask } of keys) {
  t.test(`${name}: everybody in a room meets one endpoint, and the rooms are spread`, async t => {
    const usher = await usherBefore(t, await startNameds(t), { affinity, balance: 'hash' });
    const all: Visited[] = [];
    for (let room = 0; room < 60; room += 1) {
      const visits = await many(4, n => visit(usher.port, ask(`room-${room}`, n === 3)));
      t.equal(distinct(visits), 1);
      all.push(...visits);
    }
    // All 60 meet two of the three once in 10^10 runs.
    t.equal(distinct(all), 3);
    t.ok(all.every(({ given }) => given === undefined));
    t.same(await leftovers(usher), NOTHING_LEFT);
  });

  t.test(`${name}: who is in no room is placed by address`, async t => {
    const usher = await usherBefore(t, await startNameds(t), { affinity, balance: 'hash' });
    const origins = Array.from({ length: 60 }, () => stranger());
    const all: Visited[] = [];
    for (const origin of origins) {
      const visits = await many(3, () => visit(usher.port, { origin: { ...origin, local: '127.0.0.1' } }));
      t.equal(distinct(visits), 1);
      all.push(...visits);
    }
    t.equal(distinct(all), 3);
    t.same(await leftovers(usher), NOTHING_LEFT);
  });
}

t.test('client-ip: a client is its IPv4 address or its IPv6 /64', async t => {
  const usher = await usherBefore(t, await startNameds(t), { affinity: { kind: 'client-ip' }, balance: 'hash' });
  const { port } = usher;
  const networks: Visited[] = [];
  const addresses: Visited[] = [];
  for (let n = 1; n <= 60; n += 1) {
    const net = `2001:db8:${n.toString(16)}:${n % 2}`;
    const hosts = ['::1', '::ffff', ':a:b:c:d', ':ffff:ffff:ffff:ffff', ':1:0:0:0'];
    const homes = await Promise.all(
      hosts.map((host, i) =>
        visit(port, { origin: { client: net + host, version: i % 2 === 0 ? 1 : 2 }, upgrade: i === 4 }),
      ),
    );
    t.equal(distinct(homes), 1, net);
    const v4 = `203.0.113.${n}`;
    const origins: readonly Origin[] = [
      { client: v4, version: 1 },
      { client: v4, version: 2, port: 443 },
      { client: `::ffff:${v4}`, version: 2, local: `127.1.200.${n}` },
    ];
    const visits = await Promise.all(origins.map(origin => visit(port, { origin })));
    t.equal(distinct(visits), 1, v4);
    networks.push(...homes);
    addresses.push(...visits);
  }
  t.equal(distinct(networks), 3, 'networks are spread');
  t.equal(distinct(addresses), 3, 'addresses are spread');
  t.same(await leftovers(usher), NOTHING_LEFT);
});

// ---- two ushers ----

t.test('two ushers before the same endpoints choose alike', async t => {
  const endpoints = await startNameds(t);
  const reversed = [...endpoints].reverse();
  for (const affinity of [{ kind: 'client-ip' }, { kind: 'path', pattern: '/room/:id' }] as const) {
    const one = await usherBefore(t, endpoints, { affinity, balance: 'hash' });
    const two = await usherBefore(t, reversed, { affinity, balance: 'hash' });
    const visits: Visited[] = [];
    for (let n = 1; n <= 40; n += 1) {
      const question = { target: `/room/${n}`, origin: { client: `203.0.113.${n}` } };
      const both = [await visit(one.port, question), await visit(two.port, question)];
      t.equal(distinct(both), 1);
      visits.push(...both);
    }
    t.equal(distinct(visits), 3);
    for (const each of [one, two]) t.same(await leftovers(each), NOTHING_LEFT);
  }

  const one = await usherBefore(t, endpoints, { affinity: COOKIE });
  const two = await usherBefore(t, reversed, { affinity: COOKIE });
  const firsts = await many(6, () => visit(one.port));
  t.equal(distinct(firsts), 3);
  for (const { endpoint, cookie } of firsts) {
    t.same(await visit(two.port, { cookie }), { endpoint, given: undefined, cookie: undefined });
  }
  for (const each of [one, two]) t.same(await leftovers(each), NOTHING_LEFT);
});
