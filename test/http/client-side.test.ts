/** The client's side where only time or a mistake of ours leads to: everything else is tested end to end. */
import t, { type Test } from 'tap';
import type { Code } from '../../src/codes.js';
import { ClientSide } from '../../src/http/client-side.js';
import { Exchange, type ExchangeClient } from '../../src/http/exchange.js';
import type { HttpOwner } from '../../src/http/owner.js';
import { scanRequestHead } from '../../src/http/request-head.js';
import { ForwardedFields } from '../../src/http/write-head.js';
import type { Lease } from '../../src/lease.js';
import type { ExchangeRecord } from '../../src/observer.js';
import { DEAF, Wire } from '../../src/wire.js';
import { turnedClock } from '../support/clock.js';
import { request, response, serveSpoken } from '../support/http.js';
import { listenerSettings } from '../support/settings.js';
import { acceptedPair, connect, HEADER, type RawClient } from '../support/sockets.js';
import { startUsherBefore } from '../support/usher.js';

const CLIENT = { address: '203.0.113.9', port: 51_234 };

interface Ownership {
  readonly owner: HttpOwner;
  readonly refusals: Code[];
  readonly exchanges: ExchangeRecord[];
}

/** An owner that writes down what it is told. */
function ownership(): Ownership {
  const { limits, timeouts, refusedMethods } = listenerSettings({ timeouts: { responseMs: 12_000 } });
  const refusals: Code[] = [];
  const exchanges: ExchangeRecord[] = [];
  const view = {
    id: 1,
    listener: 'chat',
    peer: CLIENT,
    client: CLIENT,
    openedAt: 0,
    bytesToBackend: 0,
    bytesToClient: 0,
  };
  const owner: HttpOwner = {
    view,
    limits,
    timeouts,
    refusedMethods,
    forwarded: new ForwardedFields({ client: CLIENT, proto: 'http', port: 80, forwarded: false }),
    secure: false,
    draining: false,
    endCode: undefined,
    renew() {},
    route: () => undefined,
    expectWithin() {},
    sentToBackend() {},
    sentToClient() {},
    refused: code => refusals.push(code),
    exchangeEnded: exchange => exchanges.push(exchange),
    becomeTunnel() {},
  };
  return { owner, refusals, exchanges };
}

interface ClosingClient extends Ownership {
  readonly side: ClientSide;
  readonly wire: Wire;
  readonly far: RawClient;
}

/** A client that has ended, and whose connection is closed behind so many MiB that it has not taken. */
async function closingClient(t: Test, queuedMiB: number): Promise<ClosingClient> {
  const { transport, far } = await acceptedPair(t);
  far.socket.pause();
  const wire = new Wire(transport, DEAF);
  const told = ownership();
  const side = new ClientSide(told.owner, wire);
  wire.reader = side;
  for (let i = 0; i < queuedMiB; i += 1) wire.write(Buffer.alloc(1 << 20));
  side.onEnd();
  return { ...told, side, wire, far };
}

t.test('a client that has its answer and does not end is let go without a word', async t => {
  const { side, wire, refusals } = await closingClient(t, 0);
  side.expired('client-stalled');
  t.ok(wire.destroyed);
  t.same(refusals, []);
});

t.test('a client that has its answer may go on sending for half a minute, however much', async t => {
  const clock = turnedClock(t);
  const { side, wire, refusals } = await closingClient(t, 0);
  for (let seconds = 4; seconds < 30; seconds += 4) {
    clock.turn(4_000);
    side.onBytes(Buffer.alloc(16 << 20));
    side.expired('client-stalled');
    t.notOk(wire.destroyed, `${seconds} s`);
  }
  clock.turn(4_000);
  side.onBytes(Buffer.alloc(1));
  side.expired('client-stalled');
  t.ok(wire.destroyed, '32 s');
  t.same(refusals, []);
});

t.test('a client that has its answer and stops sending is let go five seconds later', async t => {
  const clock = turnedClock(t);
  const { side, wire } = await closingClient(t, 0);
  clock.turn(3_000);
  side.onBytes(Buffer.alloc(1));
  clock.turn(4_900);
  side.expired('client-stalled');
  t.notOk(wire.destroyed);
  clock.turn(200);
  side.expired('client-stalled');
  t.ok(wire.destroyed);
});

t.test('whatever a client sends costs it nothing of an answer that it has not taken yet', async t => {
  const clock = turnedClock(t);
  const { side, wire, far } = await closingClient(t, 16);
  for (let i = 0; i < 40; i += 1) side.onBytes(Buffer.alloc(1 << 20));
  clock.turn(60_000);
  side.expired('client-stalled');
  t.notOk(wire.destroyed, 'a total of half a minute is over, but it has not got everything');
  await takeAll(far, 16 << 20);
  clock.turn(20_000);
  side.onBytes(Buffer.alloc(1));
  side.expired('client-stalled');
  t.notOk(wire.destroyed, 'half a minute behind the last look at the queue');
  clock.turn(11_000);
  side.onBytes(Buffer.alloc(1));
  side.expired('client-stalled');
  t.ok(wire.destroyed);
});

t.test('a client that takes nothing of its last answer is cut when responses may not take longer', async t => {
  const { side, wire, refusals } = await closingClient(t, 16);
  t.ok(wire.queued);
  side.expired('client-stalled');
  side.expired('client-stalled');
  t.notOk(wire.destroyed, '10 of 12 s');
  side.expired('client-stalled');
  t.ok(wire.destroyed, '15 s');
  t.same(refusals, ['client-stalled']);
});

t.test('a client that takes its last answer slowly is waited for', async t => {
  const { side, wire, far } = await closingClient(t, 16);
  for (let i = 0; i < 2; i += 1) side.expired('client-stalled');
  await takeSome(far, wire);
  side.expired('client-stalled');
  t.notOk(wire.destroyed, 'its time begins anew');
});

/** Lets a far side take so many bytes. It counts them only: to keep them would take real seconds of the test's thirty. */
async function takeAll({ socket }: RawClient, bytes: number): Promise<void> {
  let received = 0;
  socket.removeAllListeners('data');
  await new Promise<void>(resolve => {
    socket.on('data', piece => {
      received += piece.length;
      if (received === bytes) resolve();
    });
    socket.resume();
  });
}

/** Lets a far side take some of what is queued for it. */
async function takeSome(far: RawClient, wire: Wire): Promise<void> {
  const before = wire.transport.taken;
  far.socket.resume();
  while (wire.transport.taken === before) await far.change();
  far.socket.pause();
}

interface Lent extends Ownership {
  readonly exchange: Exchange;
  readonly client: Wire;
  readonly farClient: RawClient;
  readonly backend: Wire;
  readonly farBackend: RawClient;
}

/** An exchange that has got its backend connection. */
async function lent(t: Test, text: string): Promise<Lent> {
  const one = await acceptedPair(t);
  const other = await acceptedPair(t);
  const told = ownership();
  const scan = scanRequestHead(Buffer.from(text), told.owner.limits);
  if (scan.kind !== 'head') throw new Error('the request is not understood');
  const wire = new Wire(one.transport, DEAF);
  const backend = new Wire(other.transport, DEAF);
  const nothing = () => {};
  const calls = { release: nothing, discard: nothing, settle: nothing, learn: nothing, judge: nothing };
  const lease: Lease = { wire: backend, endpoint: 'a:1', reused: false, cookie: undefined, ...calls };
  const client: ExchangeClient = {
    wire,
    paused: false,
    ended: false,
    bodyWanted() {},
    exchangeOver() {},
    takeRest: () => Buffer.alloc(0),
  };
  const source = { name: 'chat', lease: (_ask: unknown, _fresh: boolean, user: Exchange) => user.onLease(lease) };
  const exchange = new Exchange(told.owner, client, scan.head, source as never, true);
  exchange.start();
  return { ...told, exchange, client: wire, farClient: one.far, backend, farBackend: other.far };
}

t.test('a mistake of ours on a backend wire is an internal error, and told as one', async t => {
  const { exchange, refusals, exchanges, farClient } = await lent(t, request('/'));
  exchange.onClose(new Error('a mistake'));
  t.same(refusals, ['internal-error']);
  t.match(exchanges, [{ status: 500, code: 'internal-error' }]);
  t.match(await farClient.until('internal-error'), /^HTTP\/1\.1 500 /);
});

const BODY = Buffer.alloc(16 << 20);

t.test('a client that takes its response slowly is waited for, and one that takes nothing is not', async t => {
  const { exchange, client, farClient, refusals } = await lent(t, request('/'));
  farClient.socket.pause();
  exchange.onBytes(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${2 * BODY.length}\r\n\r\n`));
  exchange.onBytes(BODY);
  t.ok(client.congested);
  await takeSome(farClient, client);
  exchange.expired('client-stalled');
  t.same(refusals, []);
  exchange.expired('client-stalled');
  t.same(refusals, ['client-stalled']);
});

t.test('so is a backend with its request', async t => {
  const head = request('/', [`Content-Length: ${2 * BODY.length}`], 'POST');
  const { exchange, backend, farBackend, refusals } = await lent(t, head);
  farBackend.socket.pause();
  if (exchange.intake === undefined) throw new Error('nobody takes the body');
  exchange.feed(exchange.intake, BODY, 0);
  t.ok(backend.congested);
  await takeSome(farBackend, backend);
  exchange.expired('backend-response-timeout');
  t.same(refusals, []);
  exchange.expired('backend-response-timeout');
  t.same(refusals, ['backend-response-timeout']);
});

t.test('a client that takes the responses to many requests slowly is waited for', async t => {
  const { transport, far } = await acceptedPair(t);
  far.socket.pause();
  const wire = new Wire(transport, DEAF);
  const { owner, refusals } = ownership();
  const side = new ClientSide(owner, wire);
  wire.write(BODY);
  side.onBytes(Buffer.from(request('/')));
  t.ok(side.paused);
  await takeSome(far, wire);
  side.expired('client-stalled');
  t.same(refusals, []);
  side.expired('client-stalled');
  t.same(refusals, ['client-stalled']);
});

t.test('requests that no route wants are answered one after the other', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port, {
    routes: [{ host: undefined, path: '/chat', backend: 'chat' }],
  });
  const client = await connect(t, usher.port, HEADER + request('/1') + request('/2'));
  await client.until('404');
  while (usher.seen.exchanges.length < 2) await client.change();
  t.same(usher.seen.codes, ['route-missing', 'route-missing']);
  client.socket.destroy();
});

t.test(
  'an exchange that was promised to be followed by others ends its connection when usher drains meanwhile',
  async t => {
    const backend = await serveSpoken(t, server => server.send(response('12345').slice(0, -2)));
    const usher = await startUsherBefore(t, backend.port);
    const client = await connect(t, usher.port, HEADER + request('/'));
    await client.until('123');
    usher.proxy.drain();
    (await backend.connection(0)).send('45');
    const text = await client.ended();
    t.match(text, /12345$/);
    t.notMatch(text, /Connection: close/);
  },
);
