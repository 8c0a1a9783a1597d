/** A backend whose settings change while it works, and one that is gone from the configuration. */
import t, { type Test } from 'tap';
import { Backend } from '../../src/backend/backend.js';
import type { Lease } from '../../src/lease.js';
import { dnsServer } from '../support/dns-server.js';
import { Lookups } from '../support/lookups.js';
import { freePort } from '../support/ports.js';
import { Recorder } from '../support/recorder.js';
import { type BackendChanges, backendSettings } from '../support/settings.js';
import { serve, turns } from '../support/sockets.js';

const COOKIE = { kind: 'cookie', name: 'c', secret: undefined } as const;
const SOCKET_IO = { kind: 'socket.io', path: '/socket.io/' } as const;
const SESSION_MS = 60_000;

function start(t: Test, ports: readonly number[], changes: BackendChanges = {}, lookups?: Lookups) {
  const seen = new Recorder();
  const backend = new Backend(backendSettings(ports, changes), seen, undefined, lookups?.options);
  t.teardown(() => backend.close());
  const lease = (session?: string) =>
    new Promise<Lease>((onLease, reject) => {
      const onLeaseFailed = (code: string) => reject(new Error(code));
      backend.lease({ client: 'c', key: undefined, session }, false, { waiting: true, onLease, onLeaseFailed });
    });
  const labels = () => backend.status().endpoints.map(({ address }) => address);
  const sweep = () => backend.onDeadline(performance.now());
  return { backend, seen, lease, labels, sweep };
}

/** Ports on which somebody listens. */
async function served(t: Test, count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, async () => (await serve(t)).port));
}

const label = (port: number | undefined) => `127.0.0.1:${port}`;

t.test('an endpoint that stays keeps its connections, its leases, its health and whether it drains', async t => {
  const [port = 0, other = 0] = await served(t, 2);
  const { backend, seen, lease } = start(t, [port]);
  const [idle, held] = [await lease(), await lease()];
  idle.release(undefined);
  await turns(2);
  backend.drainEndpoint(label(port), true);
  for (const settings of [backendSettings([port]), backendSettings([other, port]), backendSettings([port])]) {
    backend.swap(settings);
    const stays = backend.status().endpoints.find(({ address }) => address === label(port));
    t.match(stays, { up: true, draining: true, active: 1, idle: 1 });
  }
  t.equal((await lease()).wire, idle.wire, 'the same connection');
  t.equal(seen.dials.length, 2);
  held.release(undefined);
  t.match(backend.status().endpoints, [{ active: 1, idle: 1 }]);
});

t.test('an endpoint that is new is checked first, one that is gone keeps nothing but what is lent', async t => {
  const [gone = 0, stays = 0, added = 0] = await served(t, 3);
  const { backend, seen, lease, labels } = start(t, [gone, stays]);
  const leases = [await lease(), await lease(), await lease()];
  const kept = leases.find(({ endpoint }) => endpoint === label(gone));
  leases.find(one => one !== kept && one.endpoint === label(gone))?.release(undefined);
  await turns(2);
  backend.swap(backendSettings([stays, added]));
  t.same(labels(), [label(stays), label(added)]);
  for (const { endpoint } of await Promise.all([lease(), lease()]))
    t.equal(endpoint, label(stays), 'nothing has shown that the other one works');
  await seen.until(() => seen.changes.includes(`${label(added)} up`));
  t.same(new Set([(await lease()).endpoint, (await lease()).endpoint]), new Set([label(stays), label(added)]));
  t.ok(kept?.wire.usable, 'a lease goes on');
  kept?.release(undefined);
  t.notOk(kept?.wire.usable, 'and is not kept behind it');
});

t.test('sessions and cookies go on finding their endpoint, also one that is gone, and one that comes back', async t => {
  const [one = 0, two = 0] = await served(t, 2);
  for (const affinity of [SOCKET_IO, COOKIE]) {
    const { backend, lease } = start(t, [one, two], { affinity });
    const first = await lease();
    first.learn('s1', SESSION_MS);
    const session = first.cookie ?? 's1';
    const home = Number(first.endpoint.split(':')[1]);
    const others = [one, two].filter(port => port !== home);
    for (const ports of [[one, two], others, [two, one], others]) {
      backend.swap(backendSettings(ports, { affinity }));
      for (const _ of [1, 2]) t.equal((await lease(session)).endpoint, first.endpoint, `${affinity.kind} ${ports}`);
    }
    t.equal((await lease()).endpoint, label(others[0]), 'who is new comes to those that there are');
  }
});

t.test('another secret makes other cookies', async t => {
  const ports = await served(t, 1);
  const { backend, lease } = start(t, ports, { affinity: COOKIE });
  const { cookie } = await lease();
  backend.swap(backendSettings(ports, { affinity: { ...COOKIE, name: 'renamed', secret: 'another secret' } }));
  const renewed = await lease(cookie);
  t.type(renewed.cookie, 'string');
  t.not(renewed.cookie, cookie);
  backend.swap(backendSettings(ports));
  t.equal((await lease(cookie)).cookie, undefined, 'without the affinity there are none');
});

t.test('fewer and shorter idle connections count at once', async t => {
  const ports = await served(t, 1);
  const { backend, lease, sweep } = start(t, ports);
  const leases = [await lease(), await lease(), await lease()];
  for (const each of leases) each.release(undefined);
  await turns(2);
  backend.swap(backendSettings(ports, { limits: { idleConnections: 2 } }));
  t.equal(backend.status().endpoints[0]?.idle, 2);
  backend.swap(backendSettings(ports, { timeouts: { idleMs: 0 } }));
  sweep();
  t.equal(backend.status().endpoints[0]?.idle, 0);
});

t.test('another health check is made at once, and in its own way', async t => {
  const seen: string[] = [];
  const { port } = await serve(t, client => {
    client.socket.on('data', bytes => {
      seen.push(String(bytes).split('\r\n', 1)[0] ?? '');
      client.send('HTTP/1.1 503 Ill\r\n\r\n');
    });
  });
  const { backend, seen: told, sweep } = start(t, [port]);
  backend.start();
  await told.until(() => told.changes.length === 1);
  const http = { path: '/healthz', host: undefined, statuses: [200] };
  const healthCheck = { http, intervalMs: 60_000, timeoutMs: 1_000, rise: 1, fall: 1 };
  const changed = backendSettings([port], { healthCheck });
  backend.swap(changed);
  sweep();
  await told.until(() => told.changes.length === 2);
  t.same(told.changes, [`${label(port)} up`, `${label(port)} down`]);
  t.same(seen, ['GET /healthz HTTP/1.1']);
  backend.swap({ ...changed, healthCheck: { ...healthCheck } });
  sweep();
  await turns(10);
  t.equal(seen.length, 1, 'one that is the same is not made anew');
});

t.test('a request that waits goes on to an endpoint that comes with a reload', async t => {
  const [works = 0] = await served(t, 1);
  const dead = await freePort();
  const changes = { holdForMs: 60_000 };
  const { backend, seen, lease } = start(t, [dead], changes);
  const waits = lease();
  await seen.until(() => seen.dials.length === 1);
  backend.swap(backendSettings([dead, works], changes));
  t.equal((await waits).endpoint, label(works));
});

t.test('a request that waits longer than it may from now on is told', async t => {
  const dead = await freePort();
  const { backend, seen, lease, sweep } = start(t, [dead], { holdForMs: 60_000 });
  const waits = lease();
  await seen.until(() => seen.dials.length === 1);
  backend.swap(backendSettings([dead]));
  sweep();
  await t.rejects(waits, { message: 'backend-unreachable' });
});

t.test('names of DNS', async t => {
  const server = await dnsServer(t);
  const [port = 0] = await served(t, 1);
  const named = (name: string, weight = 1) => ({ kind: 'address', name, port, weight }) as const;
  server.set('A chat.test', ['127.0.0.1']);

  await t.test('one that stays is not looked up anew, whatever its weight', async t => {
    const lookups = new Lookups(server);
    const { backend, lease, labels } = start(t, [], { dns: [named('chat.test')] }, lookups);
    backend.start();
    await lookups.ended(1);
    (await lease()).release(undefined);
    backend.swap(backendSettings([9], { dns: [named('chat.test', 7)] }));
    t.same(labels(), [label(9), label(port)]);
    backend.swap(backendSettings([], { dns: [named('chat.test', 7)] }));
    t.match(backend.status(), { lookingUp: false, endpoints: [{ idle: 1 }] });
  });

  await t.test('until a new one is answered for the first time, the endpoints of before serve on', async t => {
    const lookups = new Lookups(server);
    const [before = 0] = await served(t, 1);
    const { backend, seen, lease, labels } = start(t, [before], {}, lookups);
    backend.start();
    backend.swap(backendSettings([], { dns: [named('unknown.test')], limits: { idleConnections: 1 } }));
    await seen.until(() => seen.lookups.length === 1);
    t.same(labels(), [label(before)], 'nothing is found, and something is better than nothing');
    t.equal((await lease()).endpoint, label(before));
    backend.swap(backendSettings([], { dns: [named('chat.test')] }));
    t.same(labels(), [label(before)]);
    await lookups.ended(2);
    t.same(labels(), [label(port)]);
  });
});

t.test('a backend that is gone serves who asks all the same, and is over when nothing of it is left', async t => {
  const ports = await served(t, 1);
  const { backend, lease, sweep } = start(t, ports);
  const held = await lease();
  (await lease()).release(undefined);
  await turns(2);
  let isOver = 0;
  backend.leave(() => {
    isOver += 1;
  });
  t.match(backend.status().endpoints, [{ idle: 0, active: 1 }]);
  sweep();
  (await lease()).release(undefined);
  t.equal(isOver, 0);
  held.discard();
  sweep();
  t.equal(isOver, 1);
});

t.test('a backend that is gone keeps who waits there, and is not over before', async t => {
  const port = await freePort();
  const changes = { holdForMs: 60_000 };
  const { backend, seen, lease, sweep } = start(t, [port], changes);
  const waits = lease();
  await seen.until(() => seen.dials.length === 1);
  backend.leave(() => t.fail('somebody waits'));
  sweep();
  await seen.until(() => seen.dials.length === 2);
  const [works = 0] = await served(t, 1);
  backend.swap(backendSettings([works], changes));
  t.equal((await waits).endpoint, label(works), 'it has come back');
});

t.test('a backend that comes back has its sessions, and tells of its endpoints again', async t => {
  const [one = 0, two = 0] = await served(t, 2);
  const { backend, lease, sweep } = start(t, [one, two], { affinity: SOCKET_IO });
  const first = await lease();
  first.learn('s1', SESSION_MS);
  first.discard();
  backend.leave(() => t.fail('it knows a session'));
  sweep();
  backend.swap(backendSettings([one, two], { affinity: SOCKET_IO }));
  sweep();
  for (const _ of [1, 2]) t.equal((await lease('s1')).endpoint, first.endpoint);
  const again = await lease('s1');
  again.release(undefined);
  t.ok(again.wire.usable, 'connections are kept again');
});
