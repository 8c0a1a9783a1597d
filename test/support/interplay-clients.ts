/** Clients of the interplay tests: curl, Node's own, and undici in two ways. */
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import http, { type IncomingMessage } from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Test } from 'tap';
import { Agent, type buildConnector, fetch, Pool, WebSocket as UndiciWebSocket } from 'undici';
import { WebSocket } from 'ws';
import { encodeV2 } from '../../src/proxy-header/encode.js';
import type { Answer, Ask, InterplayClient } from './interplay-session.js';
import { HeaderAgent } from './peer-client.js';
import { startProgram } from './peer-program.js';
import { HEADER } from './sockets.js';

/** Whom {@link HEADER} names. */
const V1_CLIENT = '203.0.113.9';
const V2_CLIENT = '2001:db8::9';
const V2_HEADER = encodeV2({
  command: 'PROXY',
  source: { address: V2_CLIENT, port: 51_234 },
  destination: { address: '2001:db8::1', port: 80 },
  crc32c: true,
});

const PIECE_BYTES = 100_000;

/** A body as Node's and undici's clients take it. */
function bodyOf({ body, sent }: Ask): Uint8Array | Readable | undefined {
  if (body === undefined || sent === undefined || sent === 'counted') return body;
  return Readable.from(piecesOf(body, sent === 'chunked'), { objectMode: false }).on('error', () => {});
}

async function* piecesOf(body: Uint8Array, ends: boolean): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) yield body.subarray(at, at + PIECE_BYTES);
  if (!ends) await new Promise(() => {});
}

/** Gives up what an early response has left of a body. */
function giveUp(body: Uint8Array | Readable | undefined): void {
  if (body instanceof Readable) body.destroy();
}

async function inTurn<In, Out>(items: readonly In[], act: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  for (const item of items) results.push(await act(item));
  return results;
}

function namesAndValues(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

// ---- node:http and ws ----

export async function nodeClient(t: Test, port: number): Promise<InterplayClient> {
  const agent = new HeaderAgent(t, HEADER);
  return {
    address: V1_CLIENT,
    ask: asks => inTurn(asks, ask => askNode(agent, port, ask)),
    async talk(path, messages) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { agent });
      t.teardown(() => socket.terminate());
      await once(socket, 'open');
      const answers = await inTurn(messages, async message => {
        const answer = once(socket, 'message');
        socket.send(message);
        return Buffer.from((await answer)[0]);
      });
      socket.close(1000);
      await once(socket, 'close');
      return answers;
    },
    close: async () => agent.destroy(),
  };
}

async function askNode(agent: http.Agent, port: number, ask: Ask): Promise<Answer> {
  const { method, path, headers } = ask;
  const body = bodyOf(ask);
  const length = body instanceof Uint8Array ? { 'Content-Length': body.length } : {};
  const outgoing = http.request({ host: '127.0.0.1', port, agent, method, path, headers: { ...headers, ...length } });
  const interim: number[] = [];
  const send = (): void => {
    if (body instanceof Readable) body.pipe(outgoing);
    else outgoing.end(body);
  };
  outgoing.on('information', ({ statusCode }) => interim.push(statusCode));
  if (headers?.['Expect'] === undefined) send();
  else outgoing.once('continue', send).flushHeaders();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  outgoing.on('error', () => {});
  const status = response.statusCode ?? 0;
  const answer = { status, headers: namesAndValues(response.headers), body: await buffer(response), interim };
  giveUp(body);
  if (ask.sent === 'unended') outgoing.destroy();
  return answer;
}

// ---- undici ----

/** Connections that begin with a PROXY header, as undici wants them. */
function connectWith(port: number, header: string | Uint8Array): buildConnector.connector {
  return (_options, callback) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    const failed = (error: Error): void => callback(error, null);
    socket.write(header);
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      callback(null, socket);
    });
  };
}

export async function undiciPool(t: Test, port: number): Promise<InterplayClient> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1, connect: connectWith(port, HEADER) });
  t.teardown(() => pool.destroy());
  return {
    address: V1_CLIENT,
    ask: asks =>
      inTurn(asks, async ask => {
        const body = bodyOf(ask);
        const { method, path, headers } = ask;
        const response = await pool.request({ method, path, headers: { ...headers }, body: body ?? null });
        const bytes = Buffer.from(await response.body.arrayBuffer());
        giveUp(body);
        return { status: response.statusCode, headers: namesAndValues(response.headers), body: bytes };
      }),
    close: () => pool.destroy(),
  };
}

export async function undiciFetch(t: Test, port: number): Promise<InterplayClient> {
  const dispatcher = new Agent({ connections: 1, connect: connectWith(port, V2_HEADER) });
  t.teardown(() => dispatcher.destroy());
  const host = `127.0.0.1:${port}`;
  return {
    address: V2_CLIENT,
    ask: asks =>
      inTurn(asks, async ask => {
        const body = bodyOf(ask);
        const { method, path, headers } = ask;
        const init = { dispatcher, method, headers: { ...headers }, duplex: 'half' as const, body: body ?? null };
        const response = await fetch(`http://${host}${path}`, init);
        const bytes = Buffer.from(await response.arrayBuffer());
        giveUp(body);
        return { status: response.status, headers: Object.fromEntries(response.headers), body: bytes };
      }),
    async talk(path, messages) {
      const socket = new UndiciWebSocket(`ws://${host}${path}`, { dispatcher });
      socket.binaryType = 'arraybuffer';
      await once(socket, 'open');
      const answers = await inTurn(messages, async message => {
        const answer = once(socket, 'message');
        socket.send(message);
        return Buffer.from((await answer)[0].data);
      });
      socket.close(1000);
      await once(socket, 'close');
      return answers;
    },
    close: () => dispatcher.destroy(),
  };
}

// ---- curl ----

/** Writes the PROXY header itself, from an address of its own; its WebSockets are not asked for. */
export async function curl(t: Test, port: number, path: string): Promise<InterplayClient> {
  const root = t.testdir();
  const address = '127.0.0.5';
  return {
    address,
    async ask(asks) {
      const dir = await mkdtemp(join(root, 'asked-'));
      const words = asks.flatMap((ask, n) => [
        ...(n === 0 ? [] : ['--next']),
        ...['-sS', '--max-time', '10', '--noproxy', '*', '--haproxy-protocol', '--interface', address],
        ...['-D', join(dir, `${n}.head`), '-o', join(dir, `${n}.body`)],
        ...wordsOf(ask),
        `http://127.0.0.1:${port}${ask.path}`,
      ]);
      const input = asks.find(({ body }) => body !== undefined)?.body;
      const program = startProgram(t, path, words, { ...(input && { input }) });
      if ((await program.ended()) !== 0) throw new Error(`curl ended with ${program.ending}: ${program.stderr}`);
      return inTurn([...asks.keys()], n => answerIn(join(dir, String(n)), asks[n]?.method === 'HEAD'));
    },
    close: async () => {},
  };
}

/**
 * How curl takes its standard input. All of it is there at once: curl 7.88 reads no response while it waits for more to
 * send, not even from a server without usher before it.
 */
const UPLOADS = { counted: ['--data-binary', '@-'], chunked: ['-T', '-'], unended: ['-T', '-'] };

function wordsOf({ method, headers = {}, body, sent = 'counted' }: Ask): string[] {
  const fields = body === undefined ? headers : { Expect: '', ...headers };
  const words = Object.entries(fields).flatMap(([name, value]) => ['-H', `${name}: ${value}`.trim()]);
  if (headers['Expect'] !== undefined) words.push('--expect100-timeout', '9');
  if (method === 'HEAD') words.push('-I');
  if (body !== undefined) words.push('-X', method, ...UPLOADS[sent]);
  return words;
}

async function answerIn(file: string, bodiless: boolean): Promise<Answer> {
  const heads = (await readFile(`${file}.head`, 'latin1')).split('\r\n\r\n').slice(0, -1);
  const [last = '', ...before] = heads.reverse();
  const [statusLine = '', ...lines] = last.split('\r\n');
  const headers = lines.map(line => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const body = bodiless ? Buffer.alloc(0) : await readFile(`${file}.body`).catch(() => Buffer.alloc(0));
  return { status: statusIn(statusLine), headers: Object.fromEntries(headers), body, interim: before.map(statusIn) };
}

function statusIn(statusLine: string): number {
  return Number(statusLine.split(' ')[1]);
}
