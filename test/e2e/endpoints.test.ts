/** Several endpoints behind one usher: who is chosen, who is left out and when, and that clients don't notice. */
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { Backend } from '../../src/backend/backend.js';
import type { Lease } from '../../src/lease.js';
import { type App, makeApps, startApps } from '../support/endpoints-app.js';
import { leftovers, NOTHING_LEFT } from '../support/flow.js';
import { request as requestText, response, serveAnswers, serveSpoken } from '../support/http.js';
import { type ClientResponse, HeaderAgent, request } from '../support/peer-client.js';
import { Recorder } from '../support/recorder.js';
import { type BackendChanges, backendSettings, type ListenerChanges, listenerSettings } from '../support/settings.js';
import { connect, converse, HEADER } from '../support/sockets.js';
import { type RunningUsher, startUsher } from '../support/usher.js';

const UNSTEADY = { http: undefined, intervalMs: 20, timeoutMs: 5_000, rise: 1, fall: 1 };
const SELDOM = { ...UNSTEADY, intervalMs: 60_000 };

function startBefore(
  t: Test,
  apps: readonly { readonly port: number }[],
  changes: BackendChanges = {},
  listener: ListenerChanges = {},
): Promise<RunningUsher> {
  const backend = backendSettings(
    apps.map(({ port }) => port),
    changes,
  );
  return startUsher(t, [listenerSettings(listener)], [backend]);
}

/** Resolves when the first checks have told of every endpoint. */
async function checked({ seen }: RunningUsher, endpoints: number): Promise<void> {
  await seen.until(() => seen.changes.length >= endpoints);
}

/** Requests one behind the other; the endpoints that answered them, each with 200. */
async function askInTurn(t: Test, { port }: RunningUsher, count: number, path = '/'): Promise<string[]> {
  const agent = new HeaderAgent(t, HEADER);
  const answers: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const { status, body } = await request(agent, { port, path });
    answers.push(status === 200 ? String(body) : `status ${status}`);
  }
  agent.destroy();
  return answers;
}

function countsOf(answers: readonly string[], apps: readonly App[]): number[] {
  return apps.map(({ address }) => answers.filter(answer => answer === address).length);
}

/** A request on a connection of its own, which ends behind it. */
async function askAlone(t: Test, port: number, path = '/'): Promise<ClientResponse> {
  const agent = new HeaderAgent(t, HEADER);
  try {
    return await request(agent, { port, path });
  } finally {
    agent.destroy();
  }
}

// ---- an endpoint that dies ----

interface Asked {
  /** A step of the test, as of when the request was sent. */
  readonly phase: number;
  readonly status: number;
}

/** Keep-alive clients that ask again as soon as they have their answer, until told to stop. */
class Crowd {
  readonly asked: Asked[] = [];
  private phase = 0;
  private stopped = false;
  private readonly running: Promise<void>[];
  private wanted = { count: 0, reached: () => {} };

  constructor(t: Test, port: number, size: number) {
    this.running = Array.from({ length: size }, () => this.run(new HeaderAgent(t, HEADER), port));
  }

  /** Begins a new phase; resolves when so many requests that were sent in it are answered. */
  next(count: number): Promise<void> {
    this.phase += 1;
    return new Promise(reached => {
      this.wanted = { count, reached };
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running);
  }

  private async run(agent: HeaderAgent, port: number): Promise<void> {
    while (!this.stopped) {
      const { phase } = this;
      const { status } = await request(agent, { port });
      this.asked.push({ phase, status });
      if (phase === this.phase) this.wanted.count -= 1;
      if (this.wanted.count === 0) this.wanted.reached();
    }
    agent.destroy();
  }
}

t.test('an endpoint dies under load: nobody who asks from then on notices, and it is used when it is back', async t => {
  const apps = await startApps(t, 3);
  const [victim] = apps as [App, App, App];
  const usher = await startBefore(t, apps, { healthCheck: { ...UNSTEADY, rise: 2, fall: 2 } });
  await checked(usher, 3);
  const crowd = new Crowd(t, usher.port, 20);
  await crowd.next(300);
  t.ok(apps.every(({ served }) => served > 0));

  const killed = crowd.next(300);
  victim.kill();
  const before = victim.served;
  await killed;
  await usher.seen.until(() => usher.seen.changes.includes(`${victim.address} down`));
  t.equal(victim.served, before);

  const back = crowd.next(100);
  await victim.start();
  await Promise.all([usher.seen.until(() => usher.seen.changes.at(-1) === `${victim.address} up`), back]);
  while (victim.served === before) await crowd.next(10);
  await crowd.stop();

  t.same(
    crowd.asked.filter(({ phase, status }) => phase > 1 && status !== 200),
    [],
  );
  const lost = crowd.asked.filter(({ status }) => status !== 200);
  t.ok(
    lost.every(({ phase, status }) => phase === 1 && status === 502),
    'only those whom it had begun to answer',
  );
  t.same(await leftovers(usher), NOTHING_LEFT);
});

// ---- health checks ----

t.test('an endpoint that says 503 on its health check is out after fall, and in again after rise', async t => {
  const apps = await startApps(t, 3);
  const [ill] = apps as [App, App, App];
  const http = { path: '/healthz', host: undefined, statuses: [200] };
  const usher = await startBefore(t, apps, { healthCheck: { ...UNSTEADY, http, fall: 3, rise: 4 } });
  const { seen } = usher;
  await checked(usher, 3);
  t.same(countsOf(await askInTurn(t, usher, 30), apps), [10, 10, 10]);

  ill.healthy = false;
  await seen.until(() => seen.changes.length === 4);
  t.equal(ill.checked, 3);
  t.equal(seen.changes.at(-1), `${ill.address} down`);
  t.same(countsOf(await askInTurn(t, usher, 30), apps), [0, 15, 15], 'although it would answer');

  ill.healthy = true;
  await seen.until(() => seen.changes.length === 5);
  t.equal(ill.checked, 4);
  t.equal(seen.changes.at(-1), `${ill.address} up`);
  t.same(countsOf(await askInTurn(t, usher, 30), apps), [10, 10, 10]);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('when the checks fail everywhere, everybody is asked all the same', async t => {
  const apps = await startApps(t, 2);
  for (const app of apps) app.healthy = false;
  const http = { path: '/healthz', host: undefined, statuses: [200] };
  const usher = await startBefore(t, apps, { healthCheck: { ...UNSTEADY, http } });
  await checked(usher, 2);
  t.same(countsOf(await askInTurn(t, usher, 10), apps), [5, 5]);
});

t.test('when one endpoint drains and the other is dead, the draining one serves everybody', async t => {
  const apps = await startApps(t, 2);
  const [leaving, dead] = apps as [App, App];
  const usher = await startBefore(t, apps, { healthCheck: SELDOM });
  await checked(usher, 2);
  usher.proxy.drainEndpoint('chat', leaving.address, true);
  t.same(countsOf(await askInTurn(t, usher, 10), apps), [0, 10]);
  dead.kill();
  // More than the budget of moves, and nobody is held.
  const answers = await Promise.all(Array.from({ length: 20 }, () => askInTurn(t, usher, 10)));
  t.same(countsOf(answers.flat(), apps), [200, 0]);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

// ---- hold ----

const HOLD_MS = 20_000;

/** Resolves when so many requests have come (each with its header in one segment), and dials have failed. */
function waiting({ seen }: RunningUsher, count: number): Promise<void> {
  return seen.until(() => seen.headers.length >= count && seen.dials.length >= count);
}

t.test('requests wait while all endpoints are down, and are served when the application has started', async t => {
  const apps = await makeApps(t, 2);
  const usher = await startBefore(t, apps, { holdForMs: HOLD_MS, healthCheck: SELDOM });
  await checked(usher, 2);
  const answers = Array.from({ length: 30 }, () => askAlone(t, usher.port));
  await waiting(usher, 30);
  t.same(usher.seen.exchanges, []);
  await apps[1]?.start();
  t.same(
    new Set((await Promise.all(answers)).map(({ status, body }) => `${status} ${body}`)),
    new Set([`200 ${apps[1]?.address}`]),
  );
  t.ok(usher.seen.exchanges.every(({ durationMs }) => durationMs < HOLD_MS));
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('tcp connections wait, too', async t => {
  const apps = await makeApps(t, 1);
  const usher = await startBefore(t, apps, { holdForMs: HOLD_MS, healthCheck: SELDOM }, { protocol: 'tcp' });
  const answers = Array.from({ length: 10 }, () => askAlone(t, usher.port));
  await waiting(usher, 10);
  await apps[0]?.start();
  t.same(new Set((await Promise.all(answers)).map(({ status }) => status)), new Set([200]));
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('when nobody comes back, requests are answered 502 when their time is over', async t => {
  const usher = await startBefore(t, await makeApps(t, 2), { holdForMs: 100, healthCheck: SELDOM });
  const answers = await Promise.all(Array.from({ length: 10 }, () => askAlone(t, usher.port)));
  t.same(new Set(answers.map(({ status }) => status)), new Set([502]));
  t.same(new Set(usher.seen.codes), new Set(['backend-unreachable']));
  t.ok(usher.seen.exchanges.every(({ durationMs }) => durationMs >= 100));
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('clients that leave while they wait leave nothing behind', async t => {
  const apps = await makeApps(t, 1);
  const usher = await startBefore(t, apps, { holdForMs: HOLD_MS, healthCheck: SELDOM });
  const clients = [];
  for (let i = 0; i < 10; i += 1)
    clients.push(await connect(t, usher.port, `${HEADER}GET / HTTP/1.1\r\nHost: a\r\n\r\n`));
  await waiting(usher, 10);
  for (const { socket } of clients) socket.resetAndDestroy();
  t.same(await leftovers(usher), NOTHING_LEFT);
  t.same(new Set(usher.seen.exchanges.map(({ code }) => code)), new Set(['client-aborted']));
  await apps[0]?.start();
  t.equal((await askAlone(t, usher.port)).status, 200);
  t.equal(apps[0]?.served, 1, 'nobody is asked on behalf of those who left');
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('usher ends while requests wait: they are told, and nothing is left', async t => {
  const usher = await startBefore(t, await makeApps(t, 1), { holdForMs: HOLD_MS, healthCheck: SELDOM });
  const clients = [];
  for (let i = 0; i < 3; i += 1)
    clients.push(await connect(t, usher.port, `${HEADER}GET / HTTP/1.1\r\nHost: a\r\n\r\n`));
  await waiting(usher, 3);
  await usher.proxy.close();
  for (const client of clients) await client.ended();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('the first who gets through takes all others with him, whatever the checks still say', async t => {
  const [app] = (await makeApps(t, 1)) as [App];
  const seen = new Recorder();
  const settings = backendSettings([app.port], { holdForMs: HOLD_MS, healthCheck: { ...SELDOM, rise: 2 } });
  const backend = new Backend(settings, seen);
  t.teardown(() => backend.close());
  backend.start();
  await seen.until(() => seen.changes.length === 1);
  const ask = { client: '203.0.113.9', key: undefined, session: undefined };
  const leases = Array.from(
    { length: 20 },
    () =>
      new Promise<Lease>((onLease, reject) =>
        backend.lease(ask, true, { waiting: true, onLease, onLeaseFailed: code => reject(new Error(code)) }),
      ),
  );
  await seen.until(() => seen.dials.length === 20);
  await app.start();
  // One sweep, and no check.
  backend.onDeadline(performance.now());
  for (const lease of await Promise.all(leases)) lease.discard();
  t.same(seen.changes, [`${app.address} down`], 'it needs two checks');
  t.equal(seen.dials.length, 40);
});

// ---- balance ----

/** Endpoints with these weights. */
function weighted(apps: readonly App[], weights: readonly number[]): BackendChanges {
  return { endpoints: apps.map(({ port }, index) => ({ host: '127.0.0.1', port, weight: weights[index] ?? 1 })) };
}

t.test('round robin keeps to the weights exactly', async t => {
  const apps = await startApps(t, 2);
  const usher = await startBefore(t, apps, weighted(apps, [3, 1]));
  const answers = await askInTurn(t, usher, 400);
  t.same(countsOf(answers, apps), [300, 100]);
  for (let at = 0; at < 400; at += 4) t.same(countsOf(answers.slice(at, at + 4), apps), [3, 1], 'never in bursts');
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('hash keeps to the weights by and large, and to the endpoint of a key exactly', async t => {
  const apps = await startApps(t, 2);
  const affinity = { kind: 'query', name: 'room' } as const;
  const usher = await startBefore(t, apps, { ...weighted(apps, [3, 1]), balance: 'hash', affinity });
  const keys = Array.from({ length: 1_000 }, (_, index) => `/?room=${index}`);
  const agent = new HeaderAgent(t, HEADER);
  const ask = async (path: string) => String((await request(agent, { port: usher.port, path })).body);
  const answers: string[] = [];
  for (const path of keys) answers.push(await ask(path));
  const [share = 0] = countsOf(answers, apps);
  // Seven times the standard deviation, which is 13.7.
  t.ok(share > 654 && share < 846, `${share} of 1,000`);
  for (const [index, path] of keys.slice(0, 100).entries()) t.equal(await ask(path), answers[index]);
});

for (const protocol of ['http', 'tcp'] as const) {
  t.test(`least-connections counts tunnels, ${protocol}`, async t => {
    const apps = await startApps(t, 2);
    const usher = await startBefore(t, apps, { balance: 'least-connections' }, { protocol });
    const active = () => usher.proxy.status().backends[0]?.endpoints.map(({ active }) => active);
    const sockets: WebSocket[] = [];
    for (let i = 1; i <= 5; i += 1) {
      const agent = new HeaderAgent(t, HEADER);
      const socket = new WebSocket(`ws://127.0.0.1:${usher.port}/`, { agent });
      await once(socket, 'open');
      sockets.push(socket);
      t.same([...(active() ?? [])].sort(), [Math.floor(i / 2), Math.ceil(i / 2)]);
    }
    const busy = apps[active()?.[0] === 3 ? 0 : 1];
    const answers = await askInTurn(t, usher, 10);
    t.notOk(answers.includes(busy?.address ?? ''), 'the one with three tunnels is left alone');
    for (const socket of sockets) socket.close();
    t.same(await leftovers(usher), NOTHING_LEFT);
  });
}

for (const loadBound of [1.25, 2, undefined]) {
  t.test(`one hot key over slow requests, loadBound ${loadBound}`, async t => {
    const apps = await startApps(t, 3);
    for (const app of apps) app.slow = true;
    const affinity = { kind: 'query', name: 'room' } as const;
    const usher = await startBefore(t, apps, { balance: 'hash', affinity, loadBound });
    const answers: Promise<ClientResponse>[] = [];
    for (let total = 1; total <= 12; total += 1) {
      const arrived = apps[0]?.request();
      answers.push(askAlone(t, usher.port, '/?room=hot'));
      await arrived;
      const most = loadBound === undefined ? total : Math.ceil((loadBound * total) / 3);
      const loads = apps.map(({ active }) => active);
      t.ok(Math.max(...loads) <= most, `${loads} of ${total}`);
    }
    const used = apps.filter(({ active }) => active > 0).length;
    t.equal(used, { 1.25: 3, 2: 2, none: 1 }[loadBound ?? 'none']);
    for (const app of apps) app.answerAll();
    for (const { status } of await Promise.all(answers)) t.equal(status, 200);
    t.same(await leftovers(usher), NOTHING_LEFT);
  });
}

// ---- DNS ----

t.test('an endpoint is found by its name, even by one that only the system knows', async t => {
  const [app] = (await startApps(t, 1)) as [App];
  const dns = [{ kind: 'address', name: 'localhost', port: app.port, weight: 1 }] as const;
  const usher = await startBefore(t, [], { dns, holdForMs: HOLD_MS });
  t.match(await askAlone(t, usher.port), { status: 200 }, 'the first one waits for the answer');
  t.same(new Set(await askInTurn(t, usher, 10)), new Set([app.address]));
  const endpoints = usher.proxy.status().backends[0]?.endpoints ?? [];
  t.match(
    endpoints.find(({ address }) => address === app.address),
    { origin: `dns:localhost:${app.port}`, up: true, active: 0, idle: 1 },
  );
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('a name that nobody knows: its backend is empty, and the others serve', async t => {
  const [app] = (await startApps(t, 1)) as [App];
  const dns = [{ kind: 'address', name: 'nobody.invalid', port: 80, weight: 1 }] as const;
  const empty = { ...backendSettings([], { dns }), name: 'empty' };
  const routes = [
    { host: undefined, path: '/empty', backend: 'empty' },
    { host: undefined, path: '/', backend: 'chat' },
  ];
  const usher = await startUsher(t, [listenerSettings({ routes })], [backendSettings([app.port]), empty]);
  for (let i = 0; i < 3; i += 1) {
    t.match(await askAlone(t, usher.port, '/empty'), { status: 503 });
    t.match(await askAlone(t, usher.port), { status: 200 });
  }
  t.same(usher.seen.codes, ['backend-empty', 'backend-empty', 'backend-empty']);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

// ---- passive ejection ----

t.test('an endpoint that closes without an answer five times in a row is out for a second', async t => {
  let closes = true;
  const bad = await serveSpoken(t, client => {
    if (closes) client.socket.destroy();
    else client.socket.end(response('better now'));
  });
  const good = await serveAnswers(t, () => response('good'));
  const usher = await startBefore(t, [bad, good]);
  await checked(usher, 2);
  const agent = new HeaderAgent(t, HEADER);
  const ask = async () => (await request(agent, { port: usher.port })).status;
  let failed = 0;
  let sentAt = 0;
  for (let i = 0; i < 10; i += 1) {
    const before = performance.now();
    if ((await ask()) !== 502) continue;
    failed += 1;
    sentAt = before;
  }
  t.equal(failed, 5, 'each second one of the ten');
  t.equal(bad.connections.length, 5);
  t.equal(usher.seen.changes.at(-1), `127.0.0.1:${bad.port} down`);
  closes = false;
  const statuses = new Set<number>();
  while (bad.connections.length === 5) statuses.add(await ask());
  t.same(statuses, new Set([200]));
  t.ok(performance.now() - sentAt >= 1_000);
  t.equal(usher.seen.changes.at(-1), `127.0.0.1:${bad.port} up`);
  agent.destroy();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

const UPGRADE = requestText('/room/0/x', [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
]);

t.test('an upgrade that is ended without an answer, as Engine.IO does it, says nothing of the endpoint', async t => {
  const endings: readonly { readonly ending: string; readonly downs: number }[] = [
    { ending: '', downs: 0 },
    { ending: 'HTTP/9 rubbish\r\n\r\n', downs: 1 },
  ];
  for (const { ending, downs } of endings) {
    const bad = await serveSpoken(t, client => {
      client.socket.end(ending);
    });
    const usher = await startBefore(t, [bad]);
    await checked(usher, 1);
    for (let i = 0; i < 6; i += 1) t.match(await converse(t, usher.port, HEADER + UPGRADE), /^HTTP\/1\.1 502 /);
    t.equal(usher.seen.changes.filter(change => change.endsWith(' down')).length, downs);
    t.same(await leftovers(usher), NOTHING_LEFT);
  }
});
