/** The one session that every client of the interplay tests plays through usher to every backend. */
import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import { FILE, type InterplayBackend, type Received, SAW_CLIENT, sha256 } from './interplay-backend.js';
import type { RunningUsher } from './usher.js';

/** One request, in words that every client can follow. */
export interface Ask {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /**
   * `counted` (left out): with a length; `chunked`: in pieces; `unended`: in pieces of which the last never comes, for
   * clients that can, so that only an early response can end it.
   */
  readonly sent?: 'counted' | 'chunked' | 'unended';
}

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Status of each 1xx response before it, where the client tells. */
  readonly interim?: readonly number[];
}

/** What not every client can do. */
export type Ability = 'chunked' | 'expect' | 'websocket' | 'refused-upgrade';

export interface InterplayClient {
  /** Whom its PROXY header names. */
  readonly address: string;
  /** Asks one after the other, over a connection that is kept. */
  ask(asks: readonly Ask[]): Promise<readonly Answer[]>;
  /** Opens a WebSocket, sends each message when the one before is answered, closes; resolves with the answers. */
  talk?(path: string, messages: readonly (string | Buffer)[]): Promise<readonly Buffer[]>;
  /** Closes its connections. */
  close(): Promise<void>;
}

export interface Stage {
  readonly client: InterplayClient;
  readonly usher: RunningUsher;
  readonly backend: InterplayBackend;
  /** How much of an upload is sent before its early response, bytes. */
  readonly earlyBytes: number;
}

export interface Step {
  /** What is true of it: the end of a sentence. */
  readonly name: string;
  readonly needs?: Ability;
  play(t: Test, stage: Stage): Promise<void>;
}

const PIECES = [10, 120_000, 270_000].map(size => randomBytes(size));
const UPLOAD = Buffer.concat(PIECES);
const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** Asks, and looks at what each answer must have: the status, and the client's address as the backend was told it. */
async function askAll(t: Test, { client }: Stage, asks: readonly Ask[], status: number): Promise<readonly Answer[]> {
  const answers = await client.ask(asks);
  t.same(
    answers.map(answer => [answer.status, answer.headers[SAW_CLIENT.toLowerCase()]]),
    asks.map(() => [status, client.address]),
  );
  return answers;
}

async function askOne(t: Test, stage: Stage, ask: Ask, status: number): Promise<Answer> {
  const [answer] = await askAll(t, stage, [ask], status);
  if (answer === undefined) throw new Error(`no answer to ${ask.path}`);
  return answer;
}

async function upload(t: Test, stage: Stage, ask: Partial<Ask>): Promise<Answer> {
  const answer = await askOne(t, stage, { method: 'POST', path: '/upload', body: UPLOAD, ...ask }, 200);
  const chunked = ask.sent === 'chunked';
  t.same(JSON.parse(String(answer.body)), { bytes: UPLOAD.length, sha256: sha256(UPLOAD), chunked } satisfies Received);
  return answer;
}

/** In this order. */
export const session: readonly Step[] = [
  {
    name: 'four requests are answered in order on one connection',
    async play(t, stage) {
      const paths = ['/seat/1', '/seat/2', '/seat/3', '/seat/4'];
      const asks = paths.map(path => ({ method: 'GET', path }) as const);
      const answers = await askAll(t, stage, asks, 200);
      t.same(
        answers.map(({ body }) => String(body)),
        paths.map(path => `you asked for ${path}`),
      );
      const { exchanges } = stage.usher.seen;
      const kept = exchanges.filter(({ target }) => target?.startsWith('/seat/'));
      t.equal(kept.length, paths.length);
      t.equal(new Set(kept.map(({ connection }) => connection.id)).size, 1);
    },
  },
  {
    name: 'an upload with a length arrives whole',
    play: async (t, stage) => void (await upload(t, stage, {})),
  },
  {
    name: 'a chunked upload arrives whole',
    needs: 'chunked',
    play: async (t, stage) => void (await upload(t, stage, { sent: 'chunked' })),
  },
  {
    name: 'a body that waits for 100 Continue is asked for, and arrives whole',
    needs: 'expect',
    async play(t, stage) {
      const answer = await upload(t, stage, { headers: { Expect: '100-continue' } });
      t.same(answer.interim, [100]);
    },
  },
  {
    name: 'a range is the right bytes',
    async play(t, stage) {
      const headers = { Range: 'bytes=1000-101999' };
      const part = await askOne(t, stage, { method: 'GET', path: '/file.bin', headers }, 206);
      t.match(part.headers, { 'content-range': `bytes 1000-101999/${FILE.length}`, 'content-length': '101000' });
      t.equal(sha256(part.body), sha256(FILE.subarray(1000, 102_000)));
    },
  },
  {
    name: 'HEAD has a length and no body, and GET behind it all of it',
    async play(t, stage) {
      const path = '/file.bin';
      const asks = [{ method: 'HEAD', path } as const, { method: 'GET', path } as const];
      const [head, whole] = await askAll(t, stage, asks, 200);
      t.same([head?.headers['content-length'], head?.body.length], [String(FILE.length), 0]);
      t.equal(sha256(whole?.body ?? Buffer.alloc(0)), sha256(FILE));
    },
  },
  {
    name: 'what has not changed is 304 without a body, and the connection goes on',
    async play(t, stage) {
      const { etag = '' } = (await askOne(t, stage, { method: 'HEAD', path: '/file.bin' }, 200)).headers;
      const ask = { method: 'GET', path: '/file.bin', headers: { 'If-None-Match': etag } } as const;
      for (const { headers, body } of await askAll(t, stage, [ask, ask], 304))
        t.same([headers['etag'], body.length], [etag, 0]);
    },
  },
  {
    name: 'an upload that is refused before its end is told so, and the next request is answered',
    async play(t, stage) {
      const body = randomBytes(stage.earlyBytes);
      const ask = { method: 'POST', path: '/early', body, sent: 'unended' } as const;
      t.match(String((await askOne(t, stage, ask, 413)).body), /too large/i);
      const next = await askOne(t, stage, { method: 'GET', path: '/next' }, 200);
      t.equal(String(next.body), 'you asked for /next');
    },
  },
  {
    name: 'an upgrade that the backend refuses is answered in its words',
    needs: 'refused-upgrade',
    async play(t, stage) {
      const answer = await askOne(t, stage, { method: 'GET', path: '/refused', headers: UPGRADE }, 403);
      t.equal(String(answer.body), 'no seat');
    },
  },
  {
    name: 'a WebSocket echoes text and bytes',
    needs: 'websocket',
    async play(t, { client, usher }) {
      const bytes = randomBytes(200_000);
      const [greeting, who, echoed] = (await client.talk?.('/socket', ['hello', 'who am I', bytes])) ?? [];
      t.same([String(greeting), String(who)], ['hello', client.address]);
      t.equal(sha256(echoed ?? Buffer.alloc(0)), sha256(bytes));
      const upgrade = usher.seen.exchanges.find(({ target }) => target === '/socket');
      t.match(upgrade, { status: 101, upgraded: true });
    },
  },
];

/** Behind the session: everything has left, and nothing was refused, cut or told about the wrong client. */
export async function assertAtRest(t: Test, left: Record<string, number>, { client, usher, backend }: Stage) {
  t.same(left, { connections: 0, leases: 0, tunnels: 0 });
  t.same(usher.seen.refusals, []);
  t.same(
    usher.seen.exchanges.filter(({ code }) => code !== undefined).map(({ code, target }) => [code, target]),
    [],
  );
  t.same(new Set(backend.clients), new Set([client.address]), 'the backend was told of no other client');
}
