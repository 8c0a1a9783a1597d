/** Endpoints that DNS gives, takes away and gives again, through a whole usher. */
import { EventEmitter, once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { type DnsServer, dnsServer } from '../support/dns-server.js';
import { leftovers, NOTHING_LEFT } from '../support/flow.js';
import { Lookups } from '../support/lookups.js';
import { HeaderAgent, request } from '../support/peer-client.js';
import { type BackendChanges, backendSettings, listenerSettings } from '../support/settings.js';
import { HEADER } from '../support/sockets.js';
import { type RunningUsher, startUsher } from '../support/usher.js';

/** An application that answers with its address, and its checks when the test says so. */
class App {
  port = 0;
  /** Checks wait for {@link answerChecks}. */
  hesitates = false;
  private readonly waiting: ServerResponse[] = [];
  private readonly news = new EventEmitter();
  private readonly server = http.createServer((request, response) => this.answer(request, response));

  constructor(private readonly host: string) {}

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  async start(port: number): Promise<void> {
    await once(this.server.listen(port, this.host), 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  kill(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** Resolves when a check waits. */
  async check(): Promise<void> {
    while (this.waiting.length === 0) await once(this.news, 'check');
  }

  answerChecks(): void {
    for (const response of this.waiting.splice(0)) response.end();
  }

  private answer({ url }: IncomingMessage, response: ServerResponse): void {
    if (url !== '/healthz') response.end(this.address);
    else if (this.hesitates) {
      this.waiting.push(response);
      this.news.emit('check');
    } else response.end();
  }
}

const HTTP_CHECK = {
  http: { path: '/healthz', host: undefined, statuses: [200] },
  intervalMs: 60_000,
  timeoutMs: 60_000,
  rise: 1,
  fall: 1,
};

/** Applications on one port of 127.0.0.1, 127.0.0.2 and so on. */
async function appsOn(t: Test, count: number): Promise<App[]> {
  const apps = Array.from({ length: count }, (_, index) => new App(`127.0.0.${index + 1}`));
  t.teardown(() => {
    for (const app of apps) app.kill();
  });
  await apps[0]?.start(0);
  for (const app of apps.slice(1)) await app.start(apps[0]?.port ?? 0);
  return apps;
}

interface Started {
  readonly usher: RunningUsher;
  readonly server: DnsServer;
  readonly lookups: Lookups;
}

/** An usher whose backend is chat.test, of which the first `known` applications are known. */
async function startBefore(t: Test, apps: readonly App[], known: number, changes: BackendChanges): Promise<Started> {
  const server = await dnsServer(t);
  name(server, apps.slice(0, known));
  const lookups = new Lookups(server);
  const dns = [{ kind: 'address', name: 'chat.test', port: apps[0]?.port ?? 0, weight: 1 }] as const;
  const backend = backendSettings([], { dns, ...changes });
  const usher = await startUsher(t, [listenerSettings()], [backend], lookups.options);
  await usher.seen.until(() => usher.seen.changes.length === known);
  return { usher, server, lookups };
}

/** From now on these are the addresses of chat.test. */
function name(server: DnsServer, apps: readonly App[]): void {
  server.set(
    'A chat.test',
    apps.map(({ address }) => address.slice(0, address.indexOf(':'))),
  );
}

function known({ proxy }: RunningUsher): string[] {
  return proxy.status().backends[0]?.endpoints.map(({ address }) => address) ?? [];
}

/** Requests one behind the other; who answered them. */
async function askInTurn(t: Test, { port }: RunningUsher, paths: readonly string[], header = HEADER) {
  const agent = new HeaderAgent(t, header);
  const answers: string[] = [];
  for (const path of paths) {
    const { status, body } = await request(agent, { port, path });
    answers.push(status === 200 ? String(body) : `status ${status}`);
  }
  agent.destroy();
  return answers;
}

const times = (count: number) => Array.from({ length: count }, () => '/');
const countsOf = (answers: readonly string[], apps: readonly App[]) =>
  apps.map(({ address }) => answers.filter(answer => answer === address).length);

t.test('an SRV answer that changes moves the traffic, with its weights', async t => {
  const apps = await Promise.all(
    ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map(async host => {
      const app = new App(host);
      await app.start(0);
      t.teardown(() => app.kill());
      return app;
    }),
  );
  const server = await dnsServer(t);
  const say = (...weights: readonly number[]) =>
    server.set(
      'SRV _chat._tcp.test',
      apps.flatMap(({ port }, index) => {
        const weight = weights[index] ?? 0;
        return weight === 0 ? [] : [{ priority: 1, weight, port, target: `n${index}.test` }];
      }),
    );
  for (const [index, { address }] of apps.entries()) {
    server.set(`A n${index}.test`, [address.slice(0, address.indexOf(':'))]);
  }
  say(3, 1);
  const lookups = new Lookups(server);
  const backend = backendSettings([], { dns: [{ kind: 'srv', name: '_chat._tcp.test' }] });
  const usher = await startUsher(t, [listenerSettings()], [backend], lookups.options);
  await usher.seen.until(() => usher.seen.changes.length === 2);
  t.same(countsOf(await askInTurn(t, usher, times(80)), apps), [60, 20, 0]);

  say(0, 1, 3);
  await lookups.again();
  await usher.seen.until(() => usher.seen.changes.includes(`${apps[2]?.address} up`));
  t.same(countsOf(await askInTurn(t, usher, times(80)), apps), [0, 20, 60], 'one goes, one comes');

  say(0, 4, 1);
  await lookups.again();
  t.same(countsOf(await askInTurn(t, usher, times(80)), apps), [0, 64, 16], 'the same ones with other weights');
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('a name that has one address more: a quarter of the rooms moves there, each as a whole', async t => {
  const apps = await appsOn(t, 4);
  const affinity = { kind: 'path', pattern: '/room/:id' } as const;
  const { usher, server, lookups } = await startBefore(t, apps, 3, { affinity, balance: 'hash' });
  const rooms = Array.from({ length: 200 }, (_, room) => `/room/${room}/messages`);
  /** Where each room is; its members are two clients with one usher. */
  const places = async () => {
    const [first, second] = await Promise.all(
      ['203.0.113.9', '198.51.100.7'].map(client =>
        askInTurn(t, usher, rooms, `PROXY TCP4 ${client} 10.0.1.20 51234 443\r\n`),
      ),
    );
    t.same(first, second, 'members are together');
    return first ?? [];
  };
  const before = await places();
  t.ok(countsOf(before, apps.slice(0, 3)).every(count => count > 30));

  name(server, apps);
  await lookups.again();
  const added = apps[3]?.address;
  await usher.seen.until(() => usher.seen.changes.includes(`${added} up`));
  const after = await places();
  const moved = after.filter((place, room) => place !== before[room]);
  t.same(new Set(moved), new Set([added]), 'who moves, moves to the new one');
  // Five times the standard deviation of 200 tosses.
  t.ok(Math.abs(moved.length - 50) <= 31, `${moved.length} of 200 moved`);

  for (const failure of ['SERVFAIL', 'NXDOMAIN'] as const) {
    server.set('A chat.test', failure);
    server.set('AAAA chat.test', failure);
    await lookups.again();
    t.same(await places(), after, `${failure} takes nobody away`);
  }
  t.same(usher.seen.lookups, ['chat.test: A ESERVFAIL, AAAA ESERVFAIL'], 'told once');
  t.equal(usher.seen.changes.length, 4);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('an address that is new gets requests when its first check has passed, and few at first', async t => {
  const apps = await appsOn(t, 2);
  const [old, added] = apps as [App, App];
  const changes = { healthCheck: HTTP_CHECK, slowStartMs: 3_600_000 };
  const { usher, server, lookups } = await startBefore(t, apps, 1, changes);
  added.hesitates = true;
  name(server, apps);
  await lookups.again();
  await added.check();
  t.same(countsOf(await askInTurn(t, usher, times(20)), apps), [20, 0], 'it is asked at once how it is');
  added.answerChecks();
  await usher.seen.until(() => usher.seen.changes.includes(`${added.address} up`));
  const [, share = 0] = countsOf(await askInTurn(t, usher, times(110)), apps);
  t.ok(share >= 9 && share <= 11, `${share} of 110: a tenth of its weight`);
  old.kill();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('an address that only usher has not known before has its whole share at once', async t => {
  const apps = await appsOn(t, 2);
  const endpoints = [{ host: '127.0.0.1', port: apps[0]?.port ?? 0, weight: 1 }];
  const { usher } = await startBefore(t, apps, 2, { endpoints, slowStartMs: 3_600_000 });
  t.same(countsOf(await askInTurn(t, usher, times(20)), apps), [10, 10]);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('an address that is new gets requests in front of its first check when nobody else works', async t => {
  const apps = await appsOn(t, 2);
  const [old, added] = apps as [App, App];
  const { usher, server, lookups } = await startBefore(t, apps, 1, { healthCheck: HTTP_CHECK });
  added.hesitates = true;
  name(server, apps);
  await lookups.again();
  await added.check();
  old.kill();
  t.same(countsOf(await askInTurn(t, usher, times(10)), apps), [0, 10]);
  added.answerChecks();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('a cookie finds its endpoint while DNS leaves it out, for as long as it can be reached', async t => {
  const apps = await appsOn(t, 2);
  const [kept, left] = apps as [App, App];
  const affinity = { kind: 'cookie', name: 'usher', secret: 'a'.repeat(16) } as const;
  const { usher, server, lookups } = await startBefore(t, apps, 2, { affinity });
  const agent = new HeaderAgent(t, HEADER);
  const visit = async (cookie: string) => {
    const headers = { Cookie: `usher=${cookie}` };
    const answer = await request(agent, { port: usher.port, headers });
    const [given = ''] = answer.headers['set-cookie'] ?? [];
    return { at: String(answer.body), given: /^usher=([^;]*)/.exec(given)?.[1] };
  };
  let first = await visit('none');
  while (first.at !== left.address) first = await visit('none');
  const cookie = first.given ?? '';

  name(server, [kept]);
  await lookups.again();
  t.same(known(usher), [kept.address]);
  for (let n = 0; n < 3; n += 1) t.same(await visit(cookie), { at: left.address, given: undefined });
  t.equal((await visit('none')).at, kept.address, 'nobody new goes there');

  t.ok(usher.proxy.drainEndpoint('chat', left.address, true), 'it can still be drained');
  name(server, apps);
  await lookups.again();
  t.match(usher.proxy.status().backends[0]?.endpoints[1], { address: left.address, draining: true });
  t.same(await visit(cookie), { at: left.address, given: undefined });

  name(server, [kept]);
  await lookups.again();
  t.ok(usher.proxy.drainEndpoint('chat', left.address, false));
  left.kill();
  const moved = await visit(cookie);
  t.equal(moved.at, kept.address, 'placed anew');
  t.same(await visit(moved.given ?? ''), { at: kept.address, given: undefined });
  const failures = () => usher.seen.dials.filter(code => code !== undefined).length;
  t.equal(failures(), 1);
  t.equal((await visit(cookie)).at, kept.address);
  t.equal(failures(), 1, 'and not tried again');
  agent.destroy();
  t.same(await leftovers(usher), NOTHING_LEFT);
});
