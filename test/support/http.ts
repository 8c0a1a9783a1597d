/** HTTP for tests: a reader of responses that takes nothing for granted, and backends whose answers a test writes. */
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { type RawClient, type RawServer, serve } from './sockets.js';

export interface Response {
  readonly status: number;
  /** Names as they came, and values, in order. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
}

const HEAD_END = '\r\n\r\n';

async function more(client: RawClient): Promise<void> {
  if (client.ending !== 'open') throw new Error(`ended (${client.ending}) inside a response: ${client.text}`);
  await client.change();
}

/** Takes `size` bytes from what was received, waiting for them. */
export async function take(client: RawClient, size: number): Promise<Buffer> {
  while (client.received.length < size) await more(client);
  const bytes = client.received.subarray(0, size);
  client.received = client.received.subarray(size);
  return bytes;
}

/** Takes everything up to `mark` and the mark itself. */
async function takeThrough(client: RawClient, mark: string): Promise<string> {
  let at = client.received.indexOf(mark);
  while (at < 0) {
    await more(client);
    at = client.received.indexOf(mark);
  }
  return (await take(client, at + mark.length)).toString('latin1');
}

function fieldsOf(lines: readonly string[]): [string, string][] {
  return lines.map(line => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
}

/** The value of a field; undefined when it isn't there, an error when it is there twice. */
export function field(fields: readonly (readonly [string, string])[], name: string): string | undefined {
  const values = fields.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
  if (values.length > 1) throw new Error(`${name} is repeated`);
  return values[0];
}

async function takeChunks(client: RawClient): Promise<Pick<Response, 'body' | 'trailers'>> {
  const chunks: Buffer[] = [];
  for (;;) {
    const size = Number.parseInt(await takeThrough(client, '\r\n'), 16);
    if (size === 0) break;
    chunks.push(await take(client, size));
    await take(client, 2);
  }
  const lines: string[] = [];
  for (;;) {
    const line = (await takeThrough(client, '\r\n')).slice(0, -2);
    if (line === '') return { body: Buffer.concat(chunks), trailers: fieldsOf(lines) };
    lines.push(line);
  }
}

async function takeAll(client: RawClient): Promise<Buffer> {
  await client.ended();
  return take(client, client.received.length);
}

async function takeBody(client: RawClient, head: Pick<Response, 'status' | 'fields'>): Promise<Buffer> {
  const { status, fields } = head;
  if (status < 200 || status === 204 || status === 304) return Buffer.alloc(0);
  const length = field(fields, 'content-length');
  return length === undefined ? takeAll(client) : take(client, Number(length));
}

/** The next response, 1xx too, waited for and taken out of what was received. */
export async function nextResponse(client: RawClient, method = 'GET'): Promise<Response> {
  const [line = '', ...lines] = (await takeThrough(client, HEAD_END)).slice(0, -HEAD_END.length).split('\r\n');
  const head = { status: Number(line.split(' ')[1]), fields: fieldsOf(lines) };
  if (method === 'HEAD') return { ...head, body: Buffer.alloc(0), trailers: [] };
  if (field(head.fields, 'transfer-encoding') === 'chunked') return { ...head, ...(await takeChunks(client)) };
  return { ...head, body: await takeBody(client, head), trailers: [] };
}

/** A request without a body. */
export function request(target: string, fields: readonly string[] = [], method = 'GET'): string {
  return [`${method} ${target} HTTP/1.1`, 'Host: chat.example', ...fields, '', ''].join('\r\n');
}

/** A response with a length. */
export function response(body: string, fields: readonly string[] = [], status = '200 OK'): string {
  return [`HTTP/1.1 ${status}`, `Content-Length: ${body.length}`, ...fields, '', body].join('\r\n');
}

/** Node's own HTTP server as a backend. */
export async function serveHttp(t: Test, answer: http.RequestListener): Promise<{ port: number; server: http.Server }> {
  const server = http.createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, server };
}

/** Like `serve`, for connections that say something: usher's own checks connect and close without a byte. */
export async function serveSpoken(t: Test, behave: (client: RawClient) => void = () => {}): Promise<RawServer> {
  const connections: RawClient[] = [];
  const news = new EventEmitter();
  const { port } = await serve(t, client => {
    client.socket.once('data', () => {
      connections.push(client);
      behave(client);
      news.emit('spoken');
    });
  });
  const connection = async (index: number): Promise<RawClient> => {
    for (;;) {
      const found = connections[index];
      if (found !== undefined) return found;
      await once(news, 'spoken');
    }
  };
  return { port, connections, connection };
}

/** A backend that answers the n-th request on each connection (counted by the ends of heads) with what `answer` gives. */
export function serveAnswers(t: Test, answer: (head: string, index: number) => string): Promise<RawServer> {
  return serveSpoken(t, client => {
    let index = 0;
    const look = () => {
      for (let at = client.received.indexOf(HEAD_END); at >= 0; at = client.received.indexOf(HEAD_END)) {
        const head = client.received.toString('latin1', 0, at + HEAD_END.length);
        client.received = client.received.subarray(at + HEAD_END.length);
        client.send(answer(head, index));
        index += 1;
      }
    };
    client.socket.on('change', look).on('end', () => client.socket.end());
    look();
  });
}
