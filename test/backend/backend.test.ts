/** A backend lends connections, keeps them while they are idle, and knows who is up. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { Backend } from '../../src/backend/backend.js';
import type { Endpoint } from '../../src/backend/endpoint.js';
import { pickByHash } from '../../src/backend/pick.js';
import type { Ask, Lease } from '../../src/lease.js';
import { dnsServer } from '../support/dns-server.js';
import { Lookups } from '../support/lookups.js';
import { deafPort, freePort } from '../support/ports.js';
import { Recorder } from '../support/recorder.js';
import { type BackendChanges, backendSettings } from '../support/settings.js';
import { type RawServer, serve, turns } from '../support/sockets.js';

interface Started {
  readonly backend: Backend;
  readonly seen: Recorder;
  lease(fresh?: boolean, client?: string): Promise<Lease>;
  leaseFailure(): Promise<string>;
}

/** A client that says nothing about itself. */
const asks = (client = '203.0.113.9'): Ask => ({ client, key: undefined, session: undefined });

function start(t: Test, ports: readonly number[], changes: BackendChanges = {}): Started {
  const seen = new Recorder();
  const backend = new Backend(backendSettings(ports, changes), seen);
  t.teardown(() => backend.close());
  const lease = (fresh = false, client = '203.0.113.9') =>
    new Promise<Lease>((onLease, reject) =>
      backend.lease(asks(client), fresh, { waiting: true, onLease, onLeaseFailed: code => reject(new Error(code)) }),
    );
  const leaseFailure = () =>
    new Promise<string>((resolve, reject) =>
      backend.lease(asks(), false, {
        waiting: true,
        onLease: () => reject(new Error('connected')),
        onLeaseFailed: (code, endpoint) => resolve(`${code} ${endpoint}`),
      }),
    );
  return { backend, seen, lease, leaseFailure };
}

const only = ({ backend }: Started) => backend.status().endpoints[0];

t.test('a connection that was released is lent again, from the next turn of the event loop on', async t => {
  const { port } = await serve(t);
  const started = start(t, [port]);
  const first = await started.lease();
  t.equal(first.endpoint, `127.0.0.1:${port}`);
  t.notOk(first.reused);
  t.match(only(started), { up: true, active: 1, idle: 0 });
  first.release(undefined);
  t.match(only(started), { active: 0, idle: 1 });
  const meanwhile = await started.lease();
  t.not(meanwhile.wire, first.wire, 'not in the same turn: an end may come right behind the response');
  meanwhile.discard();
  const asked = started.lease();
  t.match(only(started), { active: 1, idle: 1 }, 'it goes out at the end of the turn, and counts already');
  const second = await asked;
  t.equal(second.wire, first.wire);
  t.ok(second.reused);
  second.discard();
  t.match(only(started), { active: 0, idle: 0 });
  t.ok(first.wire.destroyed);
});

t.test('two who ask in one turn for the one idle connection get it and a new one', async t => {
  const { port } = await serve(t);
  const started = start(t, [port]);
  const first = await started.lease();
  first.release(undefined);
  await turns(1);
  const leases = await Promise.all([started.lease(), started.lease()]);
  t.same(
    leases.map(lease => lease.reused),
    [true, false],
  );
  for (const lease of leases) lease.discard();
  t.match(only(started), { active: 0, idle: 0 });
});

t.test('who has left by the end of the turn gets none, and it stays', async t => {
  const { port } = await serve(t);
  const started = start(t, [port]);
  const first = await started.lease();
  first.release(undefined);
  await turns(1);
  const user = { waiting: true, onLease: () => t.fail('it has left'), onLeaseFailed: () => t.fail('it has left') };
  started.backend.lease(asks(), false, user);
  user.waiting = false;
  await turns(1);
  t.match(only(started), { active: 0, idle: 1 });
});

t.test('an idle connection that goes in the turn in which it is asked for is not lent', async t => {
  const { port } = await serve(t);
  const started = start(t, [port]);
  const first = await started.lease();
  first.release(undefined);
  await turns(1);
  const asked = started.lease();
  first.wire.destroy();
  t.notOk((await asked).reused);
});

t.test('whoever wants a fresh connection gets one', async t => {
  const { port } = await serve(t);
  const started = start(t, [port]);
  const first = await started.lease();
  first.release(undefined);
  const second = await started.lease(true);
  t.not(second.wire, first.wire);
  t.match(only(started), { active: 1, idle: 1 });
  second.discard();
});

t.test('the connection that was used last is lent first', async t => {
  const { port } = await serve(t);
  const started = start(t, [port]);
  const leases = [await started.lease(), await started.lease()];
  for (const lease of leases) lease.release(undefined);
  await turns(1);
  t.equal((await started.lease()).wire, leases[1]?.wire);
});

t.test('ending a loan counts once', async t => {
  const { port } = await serve(t);
  const started = start(t, [port]);
  const lease = await started.lease();
  lease.settle();
  lease.discard();
  lease.discard();
  t.match(only(started), { active: 0, idle: 0 });
});

const killers: readonly { name: string; act: (server: RawServer, index: number) => void }[] = [
  { name: 'bytes that nobody asked for', act: (server, at) => server.connections[at]?.send('HTTP/1.1 408 x\r\n\r\n') },
  { name: 'an end', act: (server, at) => server.connections[at]?.socket.end() },
  { name: 'a reset', act: (server, at) => server.connections[at]?.socket.resetAndDestroy() },
];

for (const { name, act } of killers) {
  t.test(`${name} on an idle connection takes it out of the pool`, async t => {
    const server = await serve(t);
    const started = start(t, [server.port]);
    const lease = await started.lease();
    await server.connection(0);
    lease.release(undefined);
    act(server, 0);
    while ((only(started)?.idle ?? 0) > 0) await turns(1);
    t.match(only(started), { active: 0, idle: 0 });
    t.not((await started.lease()).wire, lease.wire);
  });
}

t.test('idle connections are retired when their time is over, by a sweep or by the next lease', async t => {
  const { port } = await serve(t);
  const started = start(t, [port], { timeouts: { idleMs: 1_000 } });
  const first = await started.lease();
  first.release(undefined);
  const released = performance.now();
  await turns(1);
  started.backend.onDeadline(released + 900);
  t.match(only(started), { idle: 1 });
  started.backend.onDeadline(performance.now() + 1_001);
  t.match(only(started), { idle: 0 });
  t.ok(first.wire.destroyed);
});

t.test('the keep-alive time of the backend shortens the time it is kept, with a margin', async t => {
  const { port } = await serve(t);
  const started = start(t, [port], { timeouts: { idleMs: 60_000 } });
  const [short, long] = [await started.lease(), await started.lease()];
  short.release(1_000);
  t.match(only(started), { idle: 0 }, 'one second is within the margin: not kept at all');
  t.ok(short.wire.destroyed);
  long.release(3_000);
  const released = performance.now();
  await turns(1);
  started.backend.onDeadline(released + 1_900);
  t.match(only(started), { idle: 1 });
  started.backend.onDeadline(performance.now() + 2_001);
  t.match(only(started), { idle: 0 });
});

t.test('no more idle connections are kept than allowed', async t => {
  const { port } = await serve(t);
  const started = start(t, [port], { limits: { idleConnections: 2 } });
  const leases = [await started.lease(), await started.lease(), await started.lease()];
  for (const lease of leases) lease.release(undefined);
  t.match(only(started), { active: 0, idle: 2 });
  t.ok(leases[2]?.wire.destroyed);
});

t.test('an idle connection that is not usable any more is passed over', async t => {
  const { port } = await serve(t);
  const started = start(t, [port]);
  const lease = await started.lease();
  lease.release(undefined);
  lease.wire.end();
  t.not((await started.lease()).wire, lease.wire);
});

t.test('a closed backend keeps nothing, and what is lent ends by itself', async t => {
  const { port } = await serve(t);
  const started = start(t, [port]);
  const [idle, lent] = [await started.lease(), await started.lease()];
  idle.release(undefined);
  started.backend.close();
  t.ok(idle.wire.destroyed);
  t.notOk(lent.wire.destroyed);
  lent.release(undefined);
  t.ok(lent.wire.destroyed);
  t.match(only(started), { active: 0, idle: 0 });
});

t.test('a failed dial names its code and endpoint, and marks the endpoint down', async t => {
  const port = await freePort();
  const started = start(t, [port]);
  t.equal(await started.leaseFailure(), `backend-unreachable 127.0.0.1:${port}`);
  t.match(only(started), { up: false, active: 0 });
  t.same(started.seen.dials, ['backend-unreachable']);
});

t.test('a dial that is not answered is a timeout', async t => {
  const started = start(t, [await deafPort(t)], { timeouts: { connectMs: 30 } });
  t.match(await started.leaseFailure(), /^backend-connect-timeout /);
});

t.test('a request whose endpoint is down moves on to another one at once', async t => {
  const { port } = await serve(t);
  const started = start(t, [await freePort(), port]);
  for (let i = 0; i < 6; i += 1) {
    const lease = await started.lease(true);
    t.equal(lease.endpoint, `127.0.0.1:${port}`);
    lease.discard();
  }
  t.same(
    started.seen.dials.filter(code => code !== undefined),
    ['backend-unreachable'],
    'and nobody goes there until it is tried again',
  );
});

t.test('when all are down one is tried all the same, and no more than three', async t => {
  const alone = start(t, [await freePort()]);
  t.match(await alone.leaseFailure(), /^backend-unreachable 127/);
  t.match(await alone.leaseFailure(), /^backend-unreachable 127/);
  t.equal(alone.seen.dials.length, 2);
  const many = start(t, [await freePort(), await freePort(), await freePort(), await freePort()]);
  await many.leaseFailure();
  t.equal(many.seen.dials.length, 3);
});

t.test('a request waits for an endpoint that comes back, and for no longer than it may', async t => {
  const port = await freePort();
  const started = start(t, [port], { holdForMs: 60_000 });
  const lease = started.lease();
  await started.seen.until(() => started.seen.dials.length === 1);
  const server = net.createServer().listen(port, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  // A sweep lets one of those who wait look again.
  started.backend.onDeadline(performance.now());
  (await lease).discard();
  const impatient = start(t, [await freePort()], { holdForMs: 1_000 });
  const failure = impatient.leaseFailure();
  await impatient.seen.until(() => impatient.seen.dials.length === 1);
  impatient.backend.onDeadline(performance.now() + 1_001);
  t.match(await failure, /^backend-unreachable /);
});

t.test('those who wait are served together when the endpoint is back', async t => {
  const port = await freePort();
  const started = start(t, [port], { holdForMs: 60_000 });
  const leases = [started.lease(true), started.lease(true), started.lease(true)];
  await started.seen.until(() => started.seen.dials.length === 3);
  const server = net.createServer().listen(port, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  started.backend.onDeadline(performance.now());
  for (const lease of await Promise.all(leases)) lease.discard();
  t.equal(started.backend.status().endpoints[0]?.active, 0);
});

t.test('who has left meanwhile does not stand in the way of who waits', async t => {
  const port = await freePort();
  const started = start(t, [port], { holdForMs: 60_000 });
  for (let i = 0; i < 50; i += 1) {
    const gone = { waiting: false, onLease: () => t.fail('nobody waits'), onLeaseFailed() {} };
    started.backend.lease(asks(), true, gone);
  }
  const lease = started.lease(true);
  await started.seen.until(() => started.seen.dials.length === 51);
  const server = net.createServer().listen(port, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  started.backend.onDeadline(performance.now());
  (await lease).discard();
});

t.test('who waits goes where dials stand, though the checks need longer to say so', async t => {
  const port = await freePort();
  const { started, ofDead } = await halfDead(t, port, { healthCheck: SELDOM });
  const { backend, seen } = started;
  backend.start();
  await seen.until(() => seen.changes.length === 2);
  const leases = Array.from({ length: 250 }, () => started.lease(true, ofDead));
  await seen.until(() => seen.dials.length === 250 + MOVES);
  const server = net.createServer().listen(port, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  backend.onDeadline(performance.now());
  for (const lease of await Promise.all(leases)) lease.discard();
  t.equal(seen.dials.slice(250 + MOVES).filter(code => code !== undefined).length, 1, 'that of the one who looked');
  t.equal(seen.changes.length, 2, 'both are down for the checks');
});

/** A dead endpoint and one more, and a client that the hash sends to each. */
async function halfDead(t: Test, port: number, changes: BackendChanges = {}) {
  const dead = await freePort();
  const limits = { idleConnections: 1_000 };
  const started = start(t, [dead, port], { balance: 'hash', holdForMs: 60_000, limits, ...changes });
  const choice = [dead, port].map(port => ({ label: `127.0.0.1:${port}`, ...FULL }));
  const client = (of: number) => {
    for (let n = 0; ; n += 1) if (pickByHash(choice, `10.0.0.${n}`) === choice[of]) return `10.0.0.${n}`;
  };
  return { started, ofDead: client(0), ofOther: client(1) };
}

const FULL = { weight: 1, active: 0, usable: true, reachable: true, draining: false };
/** Two checks must agree, and the second one is far away. */
const SELDOM = { http: undefined, intervalMs: 60_000, timeoutMs: 1_000, rise: 2, fall: 1 };
/** Moves that a backend has in store. */
const MOVES = 100;

for (const way of ['a sweep', 'an idle connection that is lent']) {
  t.test(`${way} shows those who may not move that an endpoint works`, async t => {
    const { port } = await serve(t);
    const { started, ofDead, ofOther } = await halfDead(t, port);
    const { backend, seen } = started;
    const idle = await Promise.all(Array.from({ length: 300 }, () => started.lease(true, ofOther)));
    for (const lease of idle) lease.release(undefined);
    await turns(1);
    const leases = Array.from({ length: 250 }, () => started.lease(false, ofDead));
    await seen.until(() => seen.dials.length === 550);
    t.equal(backend.status().endpoints[1]?.active, MOVES, 'the others wait');
    if (way === 'a sweep') backend.onDeadline(performance.now());
    else (await started.lease(false, ofOther)).discard();
    for (const { endpoint } of await Promise.all(leases)) t.equal(endpoint, `127.0.0.1:${port}`);
    t.equal(seen.dials.length, 550, 'each on an idle connection');
  });
}

t.test('one looks on behalf of all who wait, and moves on though all moves are spent', async t => {
  const port = await freePort();
  const { started, ofDead } = await halfDead(t, port);
  const { backend, seen } = started;
  const leases = Array.from({ length: 150 }, () => started.lease(true, ofDead));
  await seen.until(() => seen.dials.length === 150 + MOVES);
  const server = net.createServer().listen(port, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  backend.onDeadline(performance.now());
  for (const lease of await Promise.all(leases)) lease.discard();
  t.same(
    seen.dials.slice(150 + MOVES).map(code => code ?? 'connected'),
    ['backend-unreachable', ...Array.from({ length: 150 }, () => 'connected')],
    'one sweep, and one more failure',
  );
});

t.test('five responses in a row that failed take an endpoint out', async t => {
  const ports = [(await serve(t)).port, (await serve(t)).port];
  const started = start(t, ports);
  const bad = await started.lease(true);
  const again = () => started.lease(true);
  for (let i = 0; i < 5; i += 1) bad.judge(false);
  for (let i = 0; i < 4; i += 1) t.not((await again()).endpoint, bad.endpoint);
  t.ok(started.seen.changes.includes(`${bad.endpoint} down`));
});

t.test('an endpoint is settled when it is up, or when as many checks have failed as it takes', async t => {
  const healthCheck = { http: undefined, intervalMs: 1, timeoutMs: 1_000, rise: 1, fall: 3 };
  const down = start(t, [await freePort()], { healthCheck });
  t.match(only(down), { up: false, settled: false });
  for (let checks = 1; checks <= 3; checks += 1) {
    down.backend.onDeadline(performance.now() + 1_000 * checks);
    const { health, check } = (down.backend as unknown as { endpoints: Endpoint[] }).endpoints[0] as Endpoint;
    t.ok(check);
    while (health.failedChecks < checks) await turns(1);
    t.match(only(down), { up: false, settled: checks === 3 }, `${checks}`);
  }
  const { port } = await serve(t);
  const up = start(t, [port], { healthCheck });
  up.backend.start();
  await up.seen.until(() => up.seen.changes.length === 1);
  t.match(only(up), { up: true, settled: true });
});

t.test('a backend looks up until each of its names has been answered for, even in the negative', async t => {
  const names = start(t, [], { dns: [{ kind: 'address', name: 'nobody.invalid', port: 80, weight: 1 }] });
  t.equal(names.backend.status().lookingUp, true);
  names.backend.start();
  while (names.backend.status().lookingUp) await turns(1);
  t.strictSame(names.backend.status().endpoints, []);
  t.equal(start(t, [1]).backend.status().lookingUp, false, 'without names there is nothing to look up');
});

t.test('a draining endpoint gets no new client, and keeps those whom it knows', async t => {
  const ports = [(await serve(t)).port, (await serve(t)).port];
  const started = start(t, ports, { affinity: { kind: 'cookie', name: 'usher', secret: 'a'.repeat(16) } });
  const first = await started.lease(true);
  t.match(first.cookie, /^[A-Za-z0-9_-]{22}$/);
  t.ok(started.backend.drainEndpoint(first.endpoint, true));
  t.notOk(started.backend.drainEndpoint('127.0.0.1:1', true));
  for (let i = 0; i < 4; i += 1) t.not((await started.lease(true)).endpoint, first.endpoint);
  const known = (session: string | undefined) =>
    new Promise<Lease>((onLease, reject) =>
      started.backend.lease({ ...asks(), session }, true, {
        waiting: true,
        onLease,
        onLeaseFailed: code => reject(new Error(code)),
      }),
    );
  const back = await known(first.cookie);
  t.same([back.endpoint, back.cookie], [first.endpoint, undefined], 'and need no new cookie');
  t.not((await known('made-up')).endpoint, first.endpoint);
  started.backend.drainEndpoint(first.endpoint, false);
  const endpoints = [await started.lease(true), await started.lease(true)].map(({ endpoint }) => endpoint);
  t.ok(endpoints.includes(first.endpoint));
});

t.test('a session is continued where it was opened, and lost with its endpoint', async t => {
  const other = await serve(t);
  const server = net.createServer(socket => socket.on('error', () => {}).destroy()).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const affinity = { kind: 'socket.io', path: '/socket.io/' } as const;
  const started = start(t, [port, other.port], { affinity, balance: 'least-connections' });
  let opened = await started.lease(true);
  while (opened.endpoint !== `127.0.0.1:${port}`) opened = await started.lease(true);
  opened.learn('sid1', 60_000);
  const ask = { ...asks('198.51.100.7'), session: 'sid1' };
  const outcome = () =>
    new Promise<string>(resolve =>
      started.backend.lease(ask, true, {
        waiting: true,
        onLease: lease => resolve(lease.endpoint),
        onLeaseFailed: (code, endpoint) => resolve(`${code} ${endpoint}`),
      }),
    );
  for (let i = 0; i < 4; i += 1) t.equal(await outcome(), opened.endpoint);
  for (let i = 0; i < 5; i += 1) opened.judge(false);
  t.equal(await outcome(), opened.endpoint, 'a session stays with an endpoint that only falters');
  server.close();
  await once(server, 'close');
  t.equal(await outcome(), `session-lost ${opened.endpoint}`, 'found out by a dial');
  t.equal(await outcome(), `session-lost ${opened.endpoint}`, 'known for a while');
});

t.test('a session is not lost when usher itself has no descriptor left to dial with', async t => {
  const { port } = await serve(t);
  const script = fileURLToPath(new URL('../support/few-descriptors.js', import.meta.url));
  const args = ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, script, String(port)];
  t.equal((await promisify(execFile)('sh', args)).stdout, 'backend-unreachable connected 1\n');
});

t.test('a check tells who is up, and whoever changes', async t => {
  const { port } = await serve(t);
  const dead = await freePort();
  const changes: string[] = [];
  const events = {
    dialEnded() {},
    lookupSettled() {},
    endpointChanged: (_backend: string, endpoint: string, up: boolean) => {
      changes.push(`${endpoint} ${up}`);
      tell();
    },
  };
  let tell = () => {};
  const backend = new Backend(backendSettings([port, dead]), events);
  t.teardown(() => backend.close());
  t.same(
    backend.status().endpoints.map(endpoint => endpoint.up),
    [false, false],
    'nobody is up before it is known',
  );
  const both = new Promise<void>(resolve => {
    tell = () => {
      if (changes.length === 2) resolve();
    };
  });
  backend.start();
  await both;
  t.same(changes.sort(), [`127.0.0.1:${port} true`, `127.0.0.1:${dead} false`].sort());
  t.same(
    backend.status().endpoints.map(endpoint => endpoint.up),
    [true, false],
  );
});

t.test('an endpoint that joins others is checked at once, without a sweep', async t => {
  const server = await dnsServer(t);
  const lookups = new Lookups(server);
  const app = net.createServer().listen(0, '127.0.0.2');
  t.teardown(() => app.close());
  await once(app, 'listening');
  const { port } = app.address() as AddressInfo;
  const seen = new Recorder();
  const dns = [{ kind: 'address', name: 'chat.test', port, weight: 1 }] as const;
  const backend = new Backend(backendSettings([], { dns }), seen, undefined, lookups.options);
  t.teardown(() => backend.close());
  server.set('A chat.test', ['127.0.0.1']);
  backend.start();
  await lookups.ended(1);
  server.set('A chat.test', ['127.0.0.1', '127.0.0.2']);
  await lookups.again();
  await seen.until(() => seen.changes.length > 0);
  t.same(seen.changes, [`127.0.0.2:${port} up`], 'the first one waits for a sweep');
});

t.test('balance decides between endpoints', async t => {
  const ports = [(await serve(t)).port, (await serve(t)).port];
  const endpointsOf = async (started: Started, clients: readonly string[]) => {
    const endpoints: string[] = [];
    for (const client of clients) endpoints.push((await started.lease(true, client)).endpoint);
    return endpoints;
  };
  const four = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
  const inTurn = await endpointsOf(start(t, ports), four);
  t.equal(new Set(inTurn.slice(0, 2)).size, 2);
  t.same(inTurn.slice(2), inTurn.slice(0, 2));
  const least = start(t, ports, { balance: 'least-connections' });
  await endpointsOf(least, four);
  t.same(
    least.backend.status().endpoints.map(endpoint => endpoint.active),
    [2, 2],
  );
  const hashed = await endpointsOf(start(t, ports, { balance: 'hash' }), ['10.0.0.1', '10.0.0.1', '10.0.0.1']);
  t.equal(new Set(hashed).size, 1);
});

t.test('a backend without endpoints says so', async t => {
  t.equal(await start(t, []).leaseFailure(), 'backend-empty none');
});
