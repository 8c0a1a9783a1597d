/** GraphQL as its own libraries speak it, over HTTP and over WebSocket, on a path with endpoints of its own. */
import { EventEmitter, on, once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/http';
import { type Client, createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import t, { type Test } from 'tap';
import { Agent, fetch } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { leftovers, NOTHING_LEFT } from '../support/flow.js';
import { startForwarder } from '../support/peer-balancer.js';
import { startHaproxy } from '../support/peer-haproxy.js';
import { needProgram } from '../support/peers.js';
import { backendSettings, listenerSettings } from '../support/settings.js';
import { startUsher } from '../support/usher.js';

const PATH = '/graphql';

const schema = buildSchema(`
  type Query { client: String, endpoint: String }
  type Mutation { say(room: String!, text: String!): Int }
  type Subscription { said(room: String!): Said }
  type Said { by: String, to: String, text: String }
`);

interface Context extends Record<PropertyKey, unknown> {
  /** X-Forwarded-For, as the endpoint got it. */
  readonly client: string | undefined;
}

interface Message {
  readonly by: string | undefined;
  readonly text: string;
}

const forwardedFor = ({ headers }: http.IncomingMessage): string => String(headers['x-forwarded-for']);

/** What an endpoint does; nobody shares its memory. `say` answers how many subscribers heard it. */
class Rooms {
  name = '';
  private readonly messages = new EventEmitter();
  private readonly changes = new EventEmitter();

  client(_: unknown, { client }: Context): string | undefined {
    return client;
  }

  endpoint(): string {
    return this.name;
  }

  say({ room, text }: { readonly room: string; readonly text: string }, { client }: Context): number {
    const heard = this.messages.listenerCount(room);
    this.messages.emit(room, { by: client, text } satisfies Message);
    return heard;
  }

  /** Not a generator: one that waits for its next value can't be ended. */
  said({ room }: { readonly room: string }, { client }: Context): AsyncIterableIterator<unknown> {
    const messages = on(this.messages, room);
    this.changes.emit('change');
    return {
      next: async () => {
        const { done, value } = await messages.next();
        return done === true ? { done, value: undefined } : { value: { said: { ...value[0], to: client } } };
      },
      return: async () => {
        await messages.return?.();
        this.changes.emit('change');
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Resolves when so many listen to the room. */
  async subscribed(room: string, count: number): Promise<void> {
    while (this.messages.listenerCount(room) !== count) await once(this.changes, 'change');
  }
}

interface RunningApi {
  readonly port: number;
  readonly rooms: Rooms;
  /** Targets of requests and upgrades. */
  readonly seen: string[];
}

async function startApi(t: Test): Promise<RunningApi> {
  const seen: string[] = [];
  const rooms = new Rooms();
  const context = (request: http.IncomingMessage): Context => ({ client: forwardedFor(request) });
  const handle = createHandler<Context>({ schema, rootValue: rooms, context: ({ raw }) => context(raw) });
  const server = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    void handle(request, response);
  });
  const sockets = new WebSocketServer({ server, path: PATH });
  sockets.on('connection', (_, request) => seen.push(`upgrade ${request.url}`));
  const roots = { query: rooms, subscription: rooms } as unknown as Record<string, Record<string, object>>;
  const subscriptions = useServer({ schema, roots, context: ({ extra }) => context(extra.request) }, sockets);
  const port = await listen(t, server, () => subscriptions.dispose());
  rooms.name = `127.0.0.1:${port}`;
  return { port, rooms, seen };
}

/** On a port of its own until the test is over. */
async function listen(t: Test, server: http.Server, end: () => unknown = () => {}): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    await end();
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** Everything that is not GraphQL. */
async function startChat(t: Test): Promise<{ readonly port: number; readonly seen: string[] }> {
  const seen: string[] = [];
  const server = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.end('chat');
  });
  return { port: await listen(t, server), seen };
}

/** Whatever one client does, from one address. */
class Visitor {
  private readonly agent: Agent;
  private readonly client: Client;

  constructor(
    t: Test,
    private readonly port: number,
    readonly address: string,
  ) {
    this.agent = new Agent({ localAddress: address });
    class WebSocketFrom extends WebSocket {
      constructor(url: string, protocols: string) {
        super(url, protocols, { localAddress: address });
      }
    }
    this.client = createClient({
      url: `ws://127.0.0.1:${port}${PATH}`,
      webSocketImpl: WebSocketFrom,
      retryAttempts: 0,
      lazy: true,
    });
    t.teardown(() => this.leave());
  }

  async get(path: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.port}${path}`, { dispatcher: this.agent })).text();
  }

  /** By POST. */
  async ask(query: string, variables: object = {}): Promise<{ readonly status: number; readonly answer: unknown }> {
    const response = await fetch(`http://127.0.0.1:${this.port}${PATH}`, {
      dispatcher: this.agent,
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, answer: await response.json() };
  }

  /** Over the WebSocket. */
  async askThere(query: string): Promise<unknown> {
    const { value } = await this.client.iterate({ query }).next();
    return value;
  }

  subscribe(query: string, variables: Record<string, unknown>): AsyncIterableIterator<unknown, undefined> {
    return this.client.iterate({ query, variables });
  }

  async leave(): Promise<void> {
    await this.client.dispose();
    if (!this.agent.destroyed) await this.agent.close();
  }
}

/** Puts a balancer in front of usher's port; undefined where it can't be had. */
const balancers: readonly { name: string; start: (t: Test, usher: number) => Promise<number | undefined> }[] = [
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

const routes = [
  { host: undefined, path: PATH, backend: 'api' },
  { host: undefined, path: '/', backend: 'chat' },
];

const SAY = 'mutation ($room: String!, $text: String!) { say(room: $room, text: $text) }';
const SAID = 'subscription ($room: String!) { said(room: $room) { by to text } }';
const text = 'Grüße aus der letzten Reihe 🎭';

for (const { name, start } of balancers) {
  t.test(`behind ${name}`, async t => {
    const apis = [await startApi(t), await startApi(t)];
    const chat = await startChat(t);
    const ports = apis.map(({ port }) => port);
    const api = backendSettings(ports, { name: 'api', balance: 'hash', affinity: { kind: 'client-ip' } });
    const usher = await startUsher(t, [listenerSettings({ routes })], [api, backendSettings([chat.port])]);
    const port = await start(t, usher.port);
    if (port === undefined) return;
    const visitors = Array.from({ length: 8 }, (_, n) => new Visitor(t, port, `127.0.0.${11 + n}`));
    const homes = new Map<Visitor, Rooms>();

    await t.test('a client is known by its address over HTTP and over WebSocket, on one endpoint', async t => {
      for (const visitor of visitors) {
        const posted = await visitor.ask('{ client endpoint }');
        const home = apis.find(({ rooms }) => JSON.stringify(posted.answer).includes(rooms.name))?.rooms;
        if (home === undefined) throw new Error(`no endpoint: ${JSON.stringify(posted)}`);
        homes.set(visitor, home);
        const expected = { data: { client: visitor.address, endpoint: home.name } };
        t.same(posted, { status: 200, answer: expected });
        const got = await visitor.get(`${PATH}?query=${encodeURIComponent('{ client endpoint }')}`);
        t.same(JSON.parse(got), expected);
        t.same(await visitor.askThere('{ client endpoint }'), expected);
      }
    });

    await t.test('a query that is none is refused in the words of GraphQL', async t => {
      const refused = await visitors[0]?.ask('{ nonsense }');
      t.match(refused, { status: 400, answer: { errors: [{ message: /Cannot query field "nonsense"/ }] } });
    });

    await t.test('what is said over HTTP is heard over the WebSocket', async t => {
      // Eight visitors on two endpoints: at least two of them share one.
      const [listener, speaker] = neighbours(homes);
      const home = homes.get(listener);
      const heard = listener.subscribe(SAID, { room: 'attic' });
      const first = heard.next();
      await home?.subscribed('attic', 1);
      for (const by of [speaker, listener]) {
        const said = await by.ask(SAY, { room: 'attic', text });
        t.same(said, { status: 200, answer: { data: { say: 1 } } });
      }
      const messages = [await first, await heard.next()].map(({ value }) => value);
      t.same(
        messages,
        [speaker, listener].map(({ address }) => ({ data: { said: { by: address, to: listener.address, text } } })),
      );
      await heard.return?.();
      await home?.subscribed('attic', 0);
      t.same(await speaker.ask(SAY, { room: 'attic', text }), { status: 200, answer: { data: { say: 0 } } });
    });

    await t.test('everything else goes to the chat', async t => {
      for (const path of ['/', '/socket.io/', '/graph']) t.equal(await visitors[0]?.get(path), 'chat', path);
      t.same(chat.seen, ['GET /', 'GET /socket.io/', 'GET /graph']);
      const targets = apis.flatMap(({ seen }) => seen);
      t.same(
        targets.filter(target => !/^(?:GET|POST|upgrade) \/graphql(?:\?|$)/.test(target)),
        [],
      );
      t.equal(targets.filter(target => target.startsWith('upgrade')).length >= visitors.length, true);
    });

    for (const visitor of visitors) await visitor.leave();
    t.same(await leftovers(usher), NOTHING_LEFT);
    t.same(usher.seen.codes, []);
  });
}

/** Two visitors of one endpoint. */
function neighbours(homes: ReadonlyMap<Visitor, Rooms>): [Visitor, Visitor] {
  for (const home of homes.values()) {
    const [one, other] = [...homes.keys()].filter(visitor => homes.get(visitor) === home);
    if (one !== undefined && other !== undefined) return [one, other];
  }
  throw new Error('every visitor has an endpoint of its own');
}
