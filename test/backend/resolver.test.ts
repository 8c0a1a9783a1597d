/** A name's endpoints: all of them, in one order, told when they change, kept when a lookup fails. */
import { EventEmitter, once } from 'node:events';
import { isIP } from 'node:net';
import t, { type Test } from 'tap';
import { type Later, Resolver, type ResolverOptions } from '../../src/backend/resolver.js';
import type { DnsSettings, EndpointSettings } from '../../src/settings.js';
import { type DnsServer, dnsServer, type Srv } from '../support/dns-server.js';

const CHAT: DnsSettings = { kind: 'address', name: 'chat.test', port: 3000, weight: 1 };
const CHAT_SRV: DnsSettings = { kind: 'srv', name: '_chat._tcp.test' };

/** A resolver whose next lookup begins when the test says so. */
class Watch {
  readonly resolver: Resolver;
  readonly told: string[] = [];
  endpoints: readonly EndpointSettings[] = [];
  /** How long the resolver means to wait now, undefined while it doesn't. */
  waitMs: number | undefined;
  /** Names that the system was asked for. */
  readonly systemAsked: string[] = [];
  private act: (() => void) | undefined;
  private readonly events = new EventEmitter();

  constructor(settings: DnsSettings, options: ResolverOptions) {
    this.resolver = new Resolver(settings, this, {
      random: () => 0,
      later: this.later,
      lookup: async name => {
        this.systemAsked.push(name);
        throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
      },
      ...options,
    });
  }

  endpointsFound(endpoints: readonly EndpointSettings[]): void {
    this.endpoints = endpoints;
    this.told.push(endpoints.map(({ host, port, weight }) => `${host} ${port} *${weight}`).join(', '));
  }

  lookupFailed(name: string, why: string): void {
    this.told.push(`${name} failed: ${why}`);
  }

  lookupRecovered(name: string): void {
    this.told.push(`${name} recovered`);
  }

  /** One lookup to its end: what was told. */
  async lookUp(): Promise<string[]> {
    const ended = once(this.events, 'ended');
    if (this.act === undefined) this.resolver.start();
    else this.act();
    await ended;
    return this.told.splice(0);
  }

  private readonly later: Later = (act, ms) => {
    this.act = act;
    this.waitMs = ms;
    this.events.emit('ended');
    return () => {
      this.waitMs = undefined;
    };
  };
}

async function watchOf(
  t: Test,
  settings: DnsSettings = CHAT,
  options: ResolverOptions = {},
): Promise<{ server: DnsServer; watch: Watch }> {
  const server = await dnsServer(t);
  const watch = new Watch(settings, { servers: [server.address], ...options });
  t.teardown(() => watch.resolver.stop());
  return { server, watch };
}

function srv(target: string, port: number, weight = 1, priority = 1): Srv {
  return { target, port, weight, priority };
}

t.test('all addresses of both families are endpoints, sorted', async t => {
  const { server, watch } = await watchOf(t, { ...CHAT, weight: 7 });
  server.set('A chat.test', ['10.0.0.9', '10.0.0.10', '10.0.0.1']);
  server.set('AAAA chat.test', ['2001:db8::2', 'fd00::1']);
  t.notOk(watch.resolver.settled);
  t.same(await watch.lookUp(), [
    '10.0.0.1 3000 *7, 10.0.0.10 3000 *7, 10.0.0.9 3000 *7, 2001:db8::2 3000 *7, fd00::1 3000 *7',
  ]);
  t.ok(watch.resolver.settled);
  t.same(server.questions.sort(), ['A chat.test', 'AAAA chat.test']);
  t.same(watch.systemAsked, [], 'the system is not asked');
});

t.test('a change is told once, another order is none', async t => {
  const { server, watch } = await watchOf(t);
  server.set('A chat.test', ['10.0.0.1', '10.0.0.2']);
  t.same(await watch.lookUp(), ['10.0.0.1 3000 *1, 10.0.0.2 3000 *1']);
  server.set('A chat.test', ['10.0.0.2', '10.0.0.1']);
  t.same(await watch.lookUp(), []);
  server.set('A chat.test', ['10.0.0.2', '10.0.0.3', '10.0.0.2']);
  t.same(await watch.lookUp(), ['10.0.0.2 3000 *1, 10.0.0.3 3000 *1']);
  t.same(await watch.lookUp(), []);
});

t.test('the next lookup waits for the shortest TTL, between a floor and a ceiling', async t => {
  const { server, watch } = await watchOf(t);
  for (const [a, aaaa, waitMs] of [
    [0, 0, 5_000],
    [4, 40, 5_000],
    [40, 17, 17_000],
    [59, 300, 59_000],
    [3_600, 300, 60_000],
    [0xffffffff, 0xffffffff, 60_000],
  ] as const) {
    server.set('A chat.test', ['10.0.0.1'], a);
    server.set('AAAA chat.test', ['fd00::1'], aaaa);
    await watch.lookUp();
    t.equal(watch.waitMs, waitMs, `TTL ${a} and ${aaaa}`);
  }
});

t.test('the wait is stretched by up to a tenth', async t => {
  const { server, watch } = await watchOf(t, CHAT, { random: () => 0.5 });
  server.set('A chat.test', ['10.0.0.1'], 20);
  await watch.lookUp();
  t.equal(watch.waitMs, 21_000);
});

t.test('it looks up again by itself', async t => {
  const server = await dnsServer(t);
  server.set('A chat.test', ['10.0.0.1'], 0);
  const found = new EventEmitter();
  const resolver = new Resolver(
    CHAT,
    {
      endpointsFound: endpoints => found.emit('found', endpoints[0]?.host),
      lookupFailed: (_name, why) => found.emit('error', new Error(why)),
      lookupRecovered: () => {},
    },
    { servers: [server.address], minTtlMs: 1 },
  );
  t.teardown(() => resolver.stop());
  const first = once(found, 'found');
  resolver.start();
  resolver.start();
  t.same(await first, ['10.0.0.1']);
  server.set('A chat.test', ['10.0.0.2'], 0);
  t.same(await once(found, 'found'), ['10.0.0.2']);
});

t.test('a failed lookup keeps the last answer and is told once, so is its recovery', async t => {
  const { server, watch } = await watchOf(t);
  server.set('A chat.test', ['10.0.0.1']);
  await watch.lookUp();
  server.set('A chat.test', 'SERVFAIL');
  server.set('AAAA chat.test', 'SERVFAIL');
  t.same(await watch.lookUp(), ['chat.test failed: A ESERVFAIL, AAAA ESERVFAIL']);
  const waits: unknown[] = [watch.waitMs];
  for (let count = 0; count < 6; count += 1) {
    t.same(await watch.lookUp(), []);
    waits.push(watch.waitMs);
  }
  t.same(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  server.set('A chat.test', ['10.0.0.1']);
  server.set('AAAA chat.test', []);
  t.same(await watch.lookUp(), ['chat.test recovered'], 'the set is what it was');
  t.equal(watch.waitMs, 60_000);
  server.set('A chat.test', 'SERVFAIL');
  t.same(await watch.lookUp(), ['chat.test failed: A ESERVFAIL, AAAA ENODATA']);
  t.equal(watch.waitMs, 1_000, 'a new row begins');
  server.set('A chat.test', ['10.0.0.2']);
  t.same(await watch.lookUp(), ['chat.test recovered', '10.0.0.2 3000 *1']);
});

t.test('a name that is gone or has no addresses any more keeps the last answer', async t => {
  const { server, watch } = await watchOf(t);
  server.set('A chat.test', ['10.0.0.1']);
  await watch.lookUp();
  server.set('A chat.test', 'NXDOMAIN');
  server.set('AAAA chat.test', 'NXDOMAIN');
  t.same(await watch.lookUp(), ['chat.test failed: A ENOTFOUND, AAAA ENOTFOUND']);
  server.set('A chat.test', []);
  server.set('AAAA chat.test', []);
  t.same(await watch.lookUp(), []);
  server.set('A chat.test', ['10.0.0.1']);
  t.same(await watch.lookUp(), ['chat.test recovered']);
  t.same(watch.systemAsked, [], 'a name that the name servers knew is theirs');
});

t.test('a first lookup that fails settles it', async t => {
  const { watch } = await watchOf(t);
  t.same(await watch.lookUp(), ['chat.test failed: A ENOTFOUND, AAAA ENOTFOUND, system ENOTFOUND']);
  t.ok(watch.resolver.settled);
  t.equal(watch.waitMs, 1_000);
  t.same(watch.systemAsked, ['chat.test']);
});

t.test('a name server that does not answer is asked twice, unless there is a stop, and is a failure', async t => {
  const { server, watch } = await watchOf(t, CHAT, { timeoutMs: 1 });
  for (const question of ['A chat.test', 'AAAA chat.test', 'A other.test']) server.set(question, 'silent');
  const other = new Watch({ ...CHAT, name: 'other.test' }, { servers: [server.address], timeoutMs: 1 });
  const asked = server.asked('A other.test');
  other.resolver.start();
  await asked;
  other.resolver.stop();
  t.same(await watch.lookUp(), ['chat.test failed: A ETIMEOUT, AAAA ETIMEOUT, system ENOTFOUND']);
  t.equal(server.questions.filter(question => question === 'A chat.test').length, 2);
  t.equal(server.questions.filter(question => question === 'A other.test').length, 1);
});

t.test('a family whose lookup fails keeps its own last answer', async t => {
  const { server, watch } = await watchOf(t);
  server.set('A chat.test', ['10.0.0.1'], 5);
  server.set('AAAA chat.test', ['fd00::1'], 5);
  await watch.lookUp();
  server.set('A chat.test', ['10.0.0.2'], 5);
  server.set('AAAA chat.test', 'SERVFAIL');
  t.same(await watch.lookUp(), ['chat.test failed: AAAA ESERVFAIL', '10.0.0.2 3000 *1, fd00::1 3000 *1']);
  t.equal(watch.waitMs, 1_000);
  await watch.lookUp();
  await watch.lookUp();
  await watch.lookUp();
  t.equal(watch.waitMs, 5_000, 'what answers is asked again when its TTL ends');
  server.set('AAAA chat.test', []);
  t.same(await watch.lookUp(), ['chat.test recovered', '10.0.0.2 3000 *1'], 'no such records: gone');
});

t.test('a name server that never could do AAAA is no failure', async t => {
  const { server, watch } = await watchOf(t);
  server.set('A chat.test', ['10.0.0.1'], 20);
  server.set('AAAA chat.test', 'SERVFAIL');
  t.same(await watch.lookUp(), ['10.0.0.1 3000 *1']);
  t.equal(watch.waitMs, 20_000);
});

t.test('addresses are canonical, each once', async t => {
  const { server, watch } = await watchOf(t);
  server.set('A chat.test', ['10.0.0.1', '0.0.0.0']);
  server.set('AAAA chat.test', ['::ffff:a00:1', '::ffff:a00:2', '2001:DB8:0:0:1:0:0:1', '::']);
  t.same(await watch.lookUp(), ['10.0.0.1 3000 *1, 10.0.0.2 3000 *1, 2001:db8::1:0:0:1 3000 *1']);
});

t.test('an answer of which nothing is usable is a failure', async t => {
  const { server, watch } = await watchOf(t);
  server.set('A chat.test', ['0.0.0.0']);
  t.same(await watch.lookUp(), ['chat.test failed: no usable address']);
});

t.test('the first 1024 endpoints are taken, by TCP where they do not fit a datagram', async t => {
  const { server, watch } = await watchOf(t);
  const addresses = Array.from({ length: 1_500 }, (_, index) => `10.1.${index >> 8}.${index & 0xff}`);
  server.set('A chat.test', addresses.toReversed(), 25);
  server.set('AAAA chat.test', ['fd00::1'], 30);
  await watch.lookUp();
  const hosts = watch.endpoints.map(endpoint => endpoint.host);
  t.same(hosts, addresses.sort().slice(0, 1_024));
  t.ok(server.questions.includes('tcp A chat.test'));
  t.equal(watch.waitMs, 25_000);
});

t.test('a name that only the system knows is asked of the system', async t => {
  const answers = [['fe80::1%eth0', 'FD00:0::1', '10.0.0.1', '10.0.0.1'], ['10.0.0.2']];
  const { watch } = await watchOf(t, CHAT, { lookup: async () => answers.shift() ?? [] });
  t.same(await watch.lookUp(), ['10.0.0.1 3000 *1, fd00::1 3000 *1']);
  t.equal(watch.waitMs, 30_000, 'no TTL: six times the floor');
  t.same(await watch.lookUp(), ['10.0.0.2 3000 *1']);
  t.same(await watch.lookUp(), ['chat.test failed: A ENOTFOUND, AAAA ENOTFOUND, system ENODATA']);
});

t.test('localhost is found where the name server does not know it', async t => {
  const server = await dnsServer(t);
  const [endpoints] = await new Promise<[readonly EndpointSettings[], Resolver]>((resolve, reject) => {
    const resolver = new Resolver(
      { ...CHAT, name: 'localhost' },
      {
        endpointsFound: endpoints => resolve([endpoints, resolver]),
        lookupFailed: (_name, why) => reject(new Error(why)),
        lookupRecovered: () => {},
      },
      { servers: [server.address] },
    );
    t.teardown(() => resolver.stop());
    resolver.start();
  });
  t.ok(endpoints.every(({ host, port }) => isIP(host) !== 0 && port === 3000));
  t.ok(endpoints.some(({ host }) => host === '127.0.0.1' || host === '::1'));
  t.ok(server.questions.includes('A localhost'), 'the name server is asked first');
});

t.test('SRV: every target of the lowest priority, with its port and weight', async t => {
  const { server, watch } = await watchOf(t, CHAT_SRV);
  server.set('SRV _chat._tcp.test', [
    srv('two.test', 3002, 0),
    srv('one.test', 3001, 20),
    srv('one.test', 3003, 5),
    srv('spare.test', 3009, 1, 2),
    srv('one.test', 0),
  ]);
  server.set('A one.test', ['10.0.0.1', '10.0.0.3'], 30);
  server.set('A two.test', ['10.0.0.2'], 12);
  server.set('AAAA two.test', ['fd00::2'], 20);
  server.set('A spare.test', ['10.0.0.9'], 1);
  t.same(await watch.lookUp(), [
    [
      '10.0.0.1 3001 *20',
      '10.0.0.1 3003 *5',
      '10.0.0.2 3002 *1',
      '10.0.0.3 3001 *20',
      '10.0.0.3 3003 *5',
      'fd00::2 3002 *1',
    ].join(', '),
  ]);
  t.equal(watch.waitMs, 12_000, 'the TTL of the targets');
  t.notOk(server.questions.includes('A spare.test'));
  server.set('SRV _chat._tcp.test', [srv('two.test', 3002, 3), srv('spare.test', 3009, 1, 2)]);
  t.same(await watch.lookUp(), ['10.0.0.2 3002 *3, fd00::2 3002 *3']);
  server.set('SRV _chat._tcp.test', [srv('two.test', 3002, 4)]);
  t.same(await watch.lookUp(), ['10.0.0.2 3002 *4, fd00::2 3002 *4'], 'another weight is a change');
  server.set('SRV _chat._tcp.test', [srv('spare.test', 3009, 1, 2)]);
  t.same(await watch.lookUp(), ['10.0.0.9 3009 *1']);
});

t.test('SRV: a target that says "no such service" is not looked up', async t => {
  const { server, watch } = await watchOf(t, CHAT_SRV);
  server.set('SRV _chat._tcp.test', [srv('.', 3000)]);
  t.same(await watch.lookUp(), ['_chat._tcp.test failed: no usable address']);
  t.same(server.questions, ['SRV _chat._tcp.test']);
});

t.test('SRV: two targets with one address are one endpoint, with the greater weight', async t => {
  const { server, watch } = await watchOf(t, CHAT_SRV);
  server.set('SRV _chat._tcp.test', [srv('one.test', 3000, 2), srv('two.test', 3000, 9), srv('uno.test', 3000, 4)]);
  for (const name of ['one', 'two', 'uno']) server.set(`A ${name}.test`, ['10.0.0.1']);
  t.same(await watch.lookUp(), ['10.0.0.1 3000 *9']);
});

t.test('SRV: a failure of the records or of a target keeps the last answer', async t => {
  const { server, watch } = await watchOf(t, CHAT_SRV);
  server.set('SRV _chat._tcp.test', [srv('one.test', 3001), srv('two.test', 3002)]);
  server.set('A one.test', ['10.0.0.1'], 30);
  t.same(
    await watch.lookUp(),
    ['_chat._tcp.test failed: two.test: A ENOTFOUND, AAAA ENOTFOUND', '10.0.0.1 3001 *1'],
    'the target that is known is used',
  );
  t.equal(watch.waitMs, 1_000);
  server.set('A two.test', ['10.0.0.2'], 30);
  t.same(await watch.lookUp(), ['_chat._tcp.test recovered', '10.0.0.1 3001 *1, 10.0.0.2 3002 *1']);
  server.set('A two.test', 'SERVFAIL');
  t.same(await watch.lookUp(), ['_chat._tcp.test failed: two.test: A ESERVFAIL, AAAA ENODATA']);
  server.set('SRV _chat._tcp.test', 'SERVFAIL');
  t.same(await watch.lookUp(), []);
  server.set('SRV _chat._tcp.test', [srv('.', 0)]);
  t.same(await watch.lookUp(), [], 'no such service');
  server.set('SRV _chat._tcp.test', [srv('one.test', 3001)]);
  t.same(await watch.lookUp(), ['_chat._tcp.test recovered', '10.0.0.1 3001 *1']);
  t.same(watch.systemAsked, []);
});

t.test('SRV: many targets, and more endpoints than are taken', async t => {
  const { server, watch } = await watchOf(t, CHAT_SRV);
  const names = Array.from({ length: 60 }, (_, index) => `pod-${index}.chat.test`);
  server.set(
    'SRV _chat._tcp.test',
    names.map(name => srv(name, 3000)),
  );
  const hosts = names.map((name, index) => {
    const addresses = Array.from({ length: 20 }, (_, last) => `10.0.${index}.${last}`);
    server.set(`A ${name}`, addresses);
    return addresses;
  });
  t.equal((await watch.lookUp()).length, 1);
  t.same(
    watch.endpoints.map(endpoint => endpoint.host),
    hosts.flat().sort().slice(0, 1_024),
  );
});

t.test('a stop while the name server is being asked ends everything', async t => {
  const { server, watch } = await watchOf(t);
  server.set('A chat.test', 'silent');
  server.set('AAAA chat.test', 'silent');
  const asked = server.asked('A chat.test');
  watch.resolver.start();
  await asked;
  watch.resolver.stop();
  const other = new Watch({ ...CHAT, name: 'other.test' }, { servers: [server.address] });
  t.teardown(() => other.resolver.stop());
  server.set('A other.test', ['10.0.0.1']);
  await other.lookUp();
  t.same(watch.told, []);
  t.equal(watch.waitMs, undefined);
  t.same(watch.systemAsked, []);
  t.notOk(watch.resolver.settled);
});

t.test('a stop while targets are being asked asks no further ones', async t => {
  const { server, watch } = await watchOf(t, CHAT_SRV);
  const names = Array.from({ length: 20 }, (_, index) => `pod-${index + 10}.test`);
  server.set(
    'SRV _chat._tcp.test',
    names.map(name => srv(name, 3000)),
  );
  for (const name of names) server.set(`A ${name}`, 'silent');
  const asked = server.asked('A pod-25.test');
  watch.resolver.start();
  await asked;
  watch.resolver.stop();
  const other = new Watch({ ...CHAT, name: 'other.test' }, { servers: [server.address] });
  t.teardown(() => other.resolver.stop());
  await other.lookUp();
  t.same(watch.told, []);
  t.notOk(server.questions.some(question => question.includes('pod-26.test')));
});

t.test('a stop while the system is being asked is silent', async t => {
  const system = new EventEmitter();
  const asked = once(system, 'asked');
  const { watch } = await watchOf(t, CHAT, {
    lookup: async () => {
      system.emit('asked');
      await once(system, 'answer');
      return ['10.0.0.1'];
    },
  });
  watch.resolver.start();
  await asked;
  watch.resolver.stop();
  system.emit('answer');
  await new Promise(setImmediate);
  t.same(watch.told, []);
  t.equal(watch.waitMs, undefined);
});

t.test('a stop between two lookups cancels the next one, and one from inside a call is obeyed', async t => {
  const { server, watch } = await watchOf(t);
  await watch.lookUp();
  t.equal(watch.waitMs, 1_000);
  watch.lookupRecovered = () => watch.resolver.stop();
  server.set('A chat.test', ['10.0.0.1']);
  t.same(await watch.lookUp(), [], 'endpoints were found, but not told');
  t.equal(watch.waitMs, undefined, 'the timer is cancelled');
});

t.test('a resolver that was stopped does not start', async t => {
  const { server, watch } = await watchOf(t);
  watch.resolver.stop();
  watch.resolver.start();
  const other = new Watch({ ...CHAT, name: 'other.test' }, { servers: [server.address] });
  t.teardown(() => other.resolver.stop());
  await other.lookUp();
  t.notOk(server.questions.includes('A chat.test'));
});

t.test('a resolver that cannot be made is a failure', async t => {
  const watch = new Watch(CHAT, { servers: ['nowhere'] });
  t.teardown(() => watch.resolver.stop());
  t.same(await watch.lookUp(), ['chat.test failed: ERR_INVALID_IP_ADDRESS']);
});
