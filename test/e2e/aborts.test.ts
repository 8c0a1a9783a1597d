/** Who breaks off when: each side, in each state. Nothing is thrown, nothing stays open, nobody else notices. */
import t, { type Test } from 'tap';
import type { ConnectionView } from '../../src/observer.js';
import { UsherProxy } from '../../src/proxy.js';
import type { BackendSettings } from '../../src/settings.js';
import { content, leftovers, NOTHING_LEFT, relayed, Source, standstill } from '../support/flow.js';
import { nextResponse, request, response, serveAnswers, serveSpoken } from '../support/http.js';
import { deafPort, freePort } from '../support/ports.js';
import { Recorder } from '../support/recorder.js';
import { backendSettings, type ListenerChanges, listenerSettings, settingsOf } from '../support/settings.js';
import { connect, HEADER, type RawClient, type RawServer, turns } from '../support/sockets.js';
import { type RunningUsher, startUsher, startUsherBefore } from '../support/usher.js';

const GET = request('/');
const UPGRADE = request('/chat', [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
]);
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** The ways in which a side can go. */
const ways: readonly { readonly name: string; readonly go: (side: RawClient) => void }[] = [
  { name: 'resets', go: ({ socket }) => socket.resetAndDestroy() },
  { name: 'closes', go: ({ socket }) => socket.destroy() },
];

/** A connection that must not notice anything. */
interface Bystander {
  stillServed(): Promise<void>;
}

async function bystander(t: Test, usher: RunningUsher): Promise<Bystander> {
  const client = await connect(t, usher.port, HEADER + request('/bystander'));
  await nextResponse(client);
  return {
    async stillServed() {
      client.send(request('/bystander'));
      t.equal((await nextResponse(client)).status, 200, 'another connection goes on');
      client.socket.destroy();
    },
  };
}

interface State {
  readonly name: string;
  /** What the client sends behind the header. */
  readonly sent: string;
  /** What the backend does as soon as it is spoken to. */
  readonly said: string;
  /** Resolves when the state is reached. */
  reached(client: RawClient, backend: RawServer, usher: RunningUsher): Promise<unknown>;
  /** Whether the backend is there to break off. */
  readonly atBackend: boolean;
  /** Whether an end of the client says that it is gone: behind a whole request it may only be done with asking. */
  readonly endIsGone: boolean;
  /** What is told when the client goes, and when the backend goes. */
  readonly codes: { readonly client: readonly string[]; readonly backend: readonly string[] };
}

/** The backend's connection for the request in question; the first one is the bystander's. */
const served = (backend: RawServer) => backend.connection(1);

const states: readonly State[] = [
  {
    name: 'inside the head',
    sent: GET.slice(0, 20),
    said: '',
    reached: (_client, _backend, usher) => usher.seen.until(() => usher.seen.headers.length === 2),
    endIsGone: true,
    atBackend: false,
    codes: { client: [], backend: [] },
  },
  {
    name: 'inside the request body',
    sent: `${request('/', ['Content-Length: 10'], 'POST')}half`,
    said: '',
    reached: async (_client, backend) => (await served(backend)).until('half'),
    endIsGone: true,
    atBackend: true,
    codes: { client: [], backend: ['backend-closed'] },
  },
  {
    name: 'inside a chunk of the request body',
    sent: `${request('/', ['Transfer-Encoding: chunked'], 'POST')}a\r\nhalf`,
    said: '',
    reached: async (_client, backend) => (await served(backend)).until('half'),
    endIsGone: true,
    atBackend: true,
    codes: { client: [], backend: ['backend-closed'] },
  },
  {
    name: 'while the response is waited for',
    sent: GET,
    said: '',
    reached: (_client, backend) => served(backend),
    endIsGone: false,
    atBackend: true,
    codes: { client: [], backend: ['backend-closed'] },
  },
  {
    name: 'inside the response head',
    sent: GET,
    said: 'HTTP/1.1 200 OK\r\nContent-',
    reached: async (_client, backend) => {
      await served(backend);
      await turns(10);
    },
    endIsGone: false,
    atBackend: true,
    codes: { client: [], backend: ['backend-closed'] },
  },
  {
    name: 'inside the response body',
    sent: GET,
    said: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
    reached: client => client.until('half'),
    endIsGone: false,
    atBackend: true,
    codes: { client: [], backend: ['backend-response-truncated'] },
  },
  {
    name: 'with a second request waiting',
    sent: GET + GET + GET,
    said: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    reached: client => client.until('half'),
    endIsGone: false,
    atBackend: true,
    codes: { client: [], backend: ['backend-response-truncated'] },
  },
  {
    name: 'before the 101',
    sent: `${UPGRADE}early`,
    said: '',
    reached: (_client, backend) => served(backend),
    endIsGone: false,
    atBackend: true,
    codes: { client: [], backend: ['backend-closed'] },
  },
  {
    name: 'inside the tunnel',
    sent: `${UPGRADE}early`,
    said: `${SWITCHING}hello`,
    reached: async (client, backend) => {
      await client.until('hello');
      await (await served(backend)).until('early');
    },
    endIsGone: true,
    atBackend: true,
    codes: { client: [], backend: [] },
  },
];

/** A backend that serves the bystander and does with the others what the state says. */
function serveState(t: Test, state: State): Promise<RawServer> {
  return serveSpoken(t, client => {
    client.socket.on('end', () => client.socket.end());
    const serve = () => {
      if (client.text.includes('/bystander') && client.text.endsWith('\r\n\r\n')) {
        client.received = Buffer.alloc(0);
        client.send(response('ok', ['Connection: close']));
      }
    };
    if (client.text.includes('/bystander')) {
      client.socket.on('change', serve);
      serve();
    } else client.send(state.said);
  });
}

for (const state of states) {
  for (const { name, go } of ways) {
    for (const side of ['client', 'backend'] as const) {
      if (side === 'backend' ? !state.atBackend : name === 'closes' && !state.endIsGone) continue;
      t.test(`a ${side} that ${name} ${state.name} leaves nothing behind`, async t => {
        const backend = await serveState(t, state);
        const usher = await startUsherBefore(t, backend.port);
        const other = await bystander(t, usher);
        const client = await connect(t, usher.port, HEADER + state.sent);
        await state.reached(client, backend, usher);
        if (side === 'client') go(client);
        else {
          go(await served(backend));
          while (client.ending === 'open' && !client.text.includes('502 ')) await client.change();
          client.socket.end();
        }
        await usher.seen.until(() => usher.seen.closed === 1);
        await other.stillServed();
        t.same(await leftovers(usher), NOTHING_LEFT);
        t.same(usher.seen.codes, state.codes[side]);
        if (side === 'client' && state.atBackend) await (await served(backend)).ended();
      });
    }
  }
}

t.test('a client that is gone before its response is a 499 of sorts: told with a code and no status', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  await backend.connection(0);
  client.socket.resetAndDestroy();
  await usher.seen.atRest();
  t.match(usher.seen.exchanges, [{ status: 0, code: 'client-aborted', method: 'GET' }]);
  t.same(usher.seen.refusals, [], 'it is not our doing');
});

t.test('a client that ends its side in the middle of its upload has aborted it', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, `${HEADER}${request('/', ['Content-Length: 10'], 'POST')}half`);
  await (await backend.connection(0)).until('half');
  client.socket.end();
  await usher.seen.atRest();
  t.match(usher.seen.exchanges, [{ code: 'client-aborted' }]);
  await (await backend.connection(0)).ended();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

for (const protocol of ['http', 'tcp'] as const) {
  t.test(`${protocol}: a client that goes while its backend is dialled leaves nothing behind`, async t => {
    const port = await deafPort(t);
    const usher = await startUsher(
      t,
      [listenerSettings({ protocol })],
      [backendSettings([port], { timeouts: { connectMs: 50 } })],
    );
    const client = await connect(t, usher.port, HEADER);
    await usher.seen.until(() => usher.seen.headers.length === 1);
    if (protocol === 'http') client.send(GET);
    await turns(5);
    client.socket.resetAndDestroy();
    await usher.seen.until(() => usher.seen.dials.length === 1);
    t.same(await leftovers(usher), NOTHING_LEFT);
    t.same(usher.seen.dials, ['backend-connect-timeout']);
  });
}

for (const side of ['client', 'backend'] as const) {
  t.test(`a ${side} that resets while the other is congested leaves nothing behind`, async t => {
    const backend = await serveSpoken(t, client => {
      client.send(SWITCHING);
      client.socket.on('error', () => {});
    });
    const usher = await startUsherBefore(t, backend.port);
    const client = await connect(t, usher.port, HEADER + UPGRADE);
    await nextResponse(client);
    const far = await backend.connection(0);
    const [writer, reader] = side === 'client' ? [client, far] : [far, client];
    reader.socket.pause();
    new Source(writer.socket, content(32).blocks).run().catch(() => {});
    await standstill(() => relayed(usher));
    reader.socket.resetAndDestroy();
    await writer.ended();
    writer.socket.destroy();
    await usher.seen.atRest();
    t.same(await leftovers(usher), NOTHING_LEFT);
  });
}

// ---- mistakes of ours ----

/** Whoever asks this backend for a connection throws. */
const EMPTY: BackendSettings = {
  ...backendSettings([9], { name: 'empty' }),
  timeouts: {
    idleMs: 1_000,
    get connectMs(): number {
      throw new Error('a mistake of ours');
    },
  },
};
const ROUTES = [
  { host: undefined, path: '/throw', backend: 'empty' },
  { host: undefined, path: '/', backend: 'chat' },
];

function startWithHole(t: Test, port: number, changes: ListenerChanges = {}): Promise<RunningUsher> {
  return startUsher(t, [listenerSettings({ routes: ROUTES, ...changes })], [backendSettings([port]), EMPTY]);
}

t.test('an error thrown while a request is read costs this connection and no other', async t => {
  const backend = await serveAnswers(t, () => response('ok'));
  const usher = await startWithHole(t, backend.port);
  const other = await bystander(t, usher);
  const client = await connect(t, usher.port, HEADER + request('/throw'));
  t.equal(await client.ended(), '');
  await usher.seen.until(() => usher.seen.closed === 1);
  t.same(usher.seen.codes, ['internal-error']);
  await other.stillServed();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test(
  'an error thrown for the request behind the one that is answered costs this connection and no other',
  async t => {
    const backend = await serveAnswers(t, () => response('ok'));
    const usher = await startWithHole(t, backend.port);
    const other = await bystander(t, usher);
    const client = await connect(t, usher.port, HEADER + GET + request('/throw'));
    await client.ended();
    await usher.seen.until(() => usher.seen.closed === 1);
    t.same(usher.seen.codes, ['internal-error']);
    await other.stillServed();
    t.same(await leftovers(usher), NOTHING_LEFT);
    t.equal(backend.connections.length, 1, 'the pooled connection is as good as before');
  },
);

t.test('an error thrown at a deadline costs this connection, and the sweep goes on', async t => {
  const usher = await startWithHole(t, await freePort(), {
    protocol: 'tcp',
    proxyProtocol: 'optional',
    routes: [{ host: undefined, path: '/', backend: 'empty' }],
    timeouts: { proxyHeaderMs: 30 },
  });
  const [first, second] = [await connect(t, usher.port), await connect(t, usher.port)];
  await Promise.all([first.ended(), second.ended()]);
  await usher.seen.atRest();
  t.same(usher.seen.codes, ['internal-error', 'internal-error']);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('an error thrown at the accept costs this connection and no other', async t => {
  const usher = await startWithHole(t, await freePort(), {
    protocol: 'tcp',
    proxyProtocol: 'off',
    routes: [{ host: undefined, path: '/', backend: 'empty' }],
  });
  for (let i = 0; i < 2; i += 1) await (await connect(t, usher.port)).ended();
  await usher.seen.atRest();
  t.same(usher.seen.codes, ['internal-error', 'internal-error']);
});

/** The n-th connection is the one whose observer throws. */
class Thrower extends Recorder {
  constructor(
    private readonly method: string,
    private readonly id: () => number,
  ) {
    super();
  }

  throwAt(method: string, connection: ConnectionView): void {
    if (method === this.method && connection.id === this.id()) throw new Error(`mistake in ${method}`);
  }

  override connectionOpened(connection?: ConnectionView): void {
    super.connectionOpened();
    if (connection !== undefined) this.throwAt('connectionOpened', connection);
  }

  override headerSettled(connection: ConnectionView, version: string, command: string): void {
    super.headerSettled(connection, version, command);
    this.throwAt('headerSettled', connection);
  }

  override exchangeEnded(exchange: Parameters<Recorder['exchangeEnded']>[0]): void {
    super.exchangeEnded(exchange);
    this.throwAt('exchangeEnded', exchange.connection);
  }

  override tunnelOpened(tunnel: Parameters<Recorder['tunnelOpened']>[0]): void {
    super.tunnelOpened(tunnel);
    this.throwAt('tunnelOpened', tunnel.connection);
  }

  override tunnelClosed(tunnel: Parameters<Recorder['tunnelClosed']>[0]): void {
    super.tunnelClosed(tunnel);
    this.throwAt('tunnelClosed', tunnel.connection);
  }

  override connectionClosed(connection: ConnectionView): void {
    super.connectionClosed(connection);
    this.throwAt('connectionClosed', connection);
  }
}

for (const method of [
  'connectionOpened',
  'headerSettled',
  'exchangeEnded',
  'tunnelOpened',
  'tunnelClosed',
  'connectionClosed',
]) {
  t.test(`an observer that throws in ${method} costs this connection and no other`, async t => {
    const backend = await serveAnswers(t, head => (head.includes('Upgrade') ? SWITCHING : response('ok')));
    let bad = Number.NaN;
    const seen = new Thrower(method, () => bad);
    const settings = settingsOf([listenerSettings()], [backendSettings([backend.port])]);
    const proxy = new UsherProxy(settings, seen, { sweepIntervalMs: 10 });
    await proxy.start();
    t.teardown(() => proxy.close());
    const address = proxy.status().listeners[0]?.address ?? '';
    const usher: RunningUsher = { proxy, seen, port: Number(address.split(':')[1]) };
    const other = await bystander(t, usher);
    bad = (seen.exchanges[0]?.connection.id ?? 0) + 1;
    const client = await connect(t, usher.port, HEADER + (method.startsWith('tunnel') ? UPGRADE : GET));
    if (method === 'tunnelClosed' || method === 'connectionClosed') {
      await nextResponse(client);
      client.socket.resetAndDestroy();
    } else await client.ended();
    await usher.seen.until(() => usher.seen.closed === 1);
    await other.stillServed();
    t.same(await leftovers(usher), NOTHING_LEFT);
  });
}
