/** The same bytes read by usher's parsers and by Node's own HTTP parser in its strict setting, without TCP. */
import { createServer, type IncomingMessage, METHODS, request } from 'node:http';
import { Duplex } from 'node:stream';
import { BodyScanner } from '../../src/http/body-scanner.js';
import { type Framing, responseFraming } from '../../src/http/framing.js';
import { type RequestHead, scanRequestHead } from '../../src/http/request-head.js';
import { scanResponseHead } from '../../src/http/response-head.js';
import { ForwardedFields, trailerText } from '../../src/http/write-head.js';
import { requestHeadText } from './written-heads.js';

/** One message as a reader understood it. */
export interface Message {
  /** `GET /a 1.1` or `200 OK 1.1`. */
  readonly line: string;
  /** Names and values in turn, as they came. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** Whether its end was there. */
  readonly whole: boolean;
}

export interface Reading {
  readonly messages: readonly Message[];
  /** `more`: nothing wrong so far. `end`: what follows is no longer this protocol. Else the reason for refusing. */
  readonly verdict: string;
  /** What usher would send to a backend for each whole request. */
  readonly forwarded?: readonly Forwarded[];
}

export interface Forwarded {
  readonly startLine: string;
  readonly body: string;
  readonly text: string;
}

const LIMITS = { startLineBytes: 8192, headBytes: 32_768, headFields: 100 };

interface ScannedBody {
  readonly body: string;
  readonly trailers: readonly string[];
  readonly used: number;
  readonly end: 'done' | 'more' | 'bad' | 'bad-trailer';
}

function scanBody(framing: Framing, bytes: Buffer): ScannedBody {
  const scanner = new BodyScanner(framing, LIMITS);
  let body = '';
  let event = scanner.next(bytes, 0);
  while (event === 'data') {
    body += bytes.toString('latin1', scanner.dataStart, scanner.dataEnd);
    event = scanner.next(bytes, scanner.used);
  }
  return { body, trailers: scanner.trailers, used: scanner.used, end: event };
}

/** The start line as it came, split at its spaces. */
function startLine(bytes: Buffer): string[] {
  const text = bytes.toString('latin1').replace(/^\r\n/, '');
  return text.slice(0, text.indexOf('\r\n')).split(' ');
}

/** Whether what has come of a head may name a method that Node knows: it refuses others, and usher doesn't. */
function mayKnowMethod(bytes: Buffer): boolean {
  const [, method = '', space] = /^(?:\r\n?)?([^ ]*)( ?)/.exec(bytes.toString('latin1')) ?? [];
  return METHODS.some(known => (space === '' ? known.startsWith(method) : known === method));
}

const CLIENT = { client: { address: '203.0.113.9', port: 51234 }, proto: 'http', port: 80, forwarded: false } as const;
const FIELDS = new ForwardedFields(CLIENT);

function forward(head: RequestHead, body: string, trailers: readonly string[]): Forwarded {
  let text = requestHeadText(head, FIELDS, 'fallback');
  if (head.framing.kind === 'chunked') {
    if (body !== '') text += `${body.length.toString(16)}\r\n${body}\r\n`;
    text += `0\r\n${trailerText(trailers, head.connectionNames)}\r\n`;
  } else text += body;
  return { startLine: `${head.method} ${head.target} HTTP/1.1`, body, text };
}

export function usherReadsRequests(bytes: Buffer): Reading {
  const messages: Message[] = [];
  const forwarded: Forwarded[] = [];
  let rest = bytes;
  for (;;) {
    const scan = scanRequestHead(rest, LIMITS);
    if (scan.kind === 'bad') return { messages, forwarded, verdict: scan.code };
    if (scan.kind === 'more') return { messages, forwarded, verdict: mayKnowMethod(rest) ? 'more' : 'end' };
    // Node reads the methods of its list only.
    if (!METHODS.includes(scan.head.method)) return { messages, forwarded, verdict: 'end' };
    const { head, length } = scan;
    const [method, target = ''] = startLine(rest);
    if (target.startsWith('/') && target !== head.target) throw new Error(`${target} became ${head.target}`);
    const { body, trailers, used, end } = scanBody(head.framing, rest.subarray(length));
    const line = `${method} ${target} 1.${head.minor}`;
    messages.push({ line, fields: head.fields.list(), body, trailers, whole: end === 'done' });
    if (end === 'done') forwarded.push(forward(head, body, trailers));
    if (end !== 'done') return { messages, forwarded, verdict: end };
    // Any upgrade ends Node's reading; usher takes most for plain requests, and doesn't pass their Upgrade on.
    const upgrades = head.connectionNames.includes('upgrade') && head.fields.kinds.includes('upgrade');
    if (!head.persistent || upgrades) return { messages, forwarded, verdict: 'end' };
    rest = rest.subarray(length + used);
    if (rest.length === 0) return { messages, forwarded, verdict: 'more' };
  }
}

export function usherReadsResponse(bytes: Buffer, toHead: boolean): Reading {
  const messages: Message[] = [];
  let rest = bytes;
  for (;;) {
    const scan = scanResponseHead(rest, LIMITS);
    if (scan.kind !== 'head') return { messages, verdict: scan.kind };
    const { head, length } = scan;
    const line = `${head.status} ${head.reason} 1.${head.minor}`;
    const framing = responseFraming(head.status, toHead, head.declared);
    const { body, trailers, used, end } = scanBody(framing, rest.subarray(length));
    messages.push({ line, fields: head.fields.list(), body, trailers, whole: end === 'done' });
    if (end !== 'done') return { messages, verdict: end };
    // `close` in an interim response ends Node's reading; for usher only the final one counts (RFC 9112 9.6).
    if (head.status >= 200 || head.status === 101 || !head.persistent) return { messages, verdict: 'end' };
    rest = rest.subarray(length + used);
  }
}

/** A connection that is only bytes: what is pushed is read, what is written is forgotten. */
class Line extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve));

/** What a server or a client of Node heard; `body` grows until it is asked. */
interface Heard {
  readonly incoming: IncomingMessage;
  body: string;
}

function hear(incoming: IncomingMessage): Heard {
  const heard: Heard = { incoming, body: '' };
  incoming.on('data', (bytes: Buffer) => {
    heard.body += bytes.toString('latin1');
  });
  incoming.on('error', () => {});
  return heard;
}

function messageOf({ incoming, body }: Heard, line: string): Message {
  const { rawHeaders: fields, rawTrailers: trailers, complete: whole, httpVersion } = incoming;
  return { line: `${line} ${httpVersion}`, fields, body, trailers, whole };
}

const server = createServer({
  insecureHTTPParser: false,
  maxHeaderSize: 1 << 20,
  requireHostHeader: false,
  headersTimeout: 0,
  requestTimeout: 0,
  keepAliveTimeout: 0,
});
server.maxHeadersCount = 0;

export async function nodeReadsRequests(bytes: Buffer): Promise<Reading> {
  const line = new Line();
  const heard: Heard[] = [];
  let verdict = 'more';
  sessions.set(line, {
    incoming: incoming => heard.push(hear(incoming)),
    fault: code => {
      verdict = code;
    },
  });
  server.emit('connection', line);
  line.push(bytes);
  await turn();
  await turn();
  const messages = heard.map(one => messageOf(one, `${one.incoming.method} ${one.incoming.url}`));
  line.destroy();
  return { messages, verdict };
}

/** Who listens to what the one server hears on a line. */
const sessions = new WeakMap<object, { incoming(message: IncomingMessage): void; fault(code: string): void }>();

server.on('request', incoming => sessions.get(incoming.socket)?.incoming(incoming));
server.on('checkContinue', incoming => sessions.get(incoming.socket)?.incoming(incoming));
server.on('checkExpectation', incoming => sessions.get(incoming.socket)?.incoming(incoming));
server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
  sessions.get(socket)?.fault(error.code ?? 'unknown'),
);

export async function nodeReadsResponse(bytes: Buffer, toHead: boolean): Promise<Reading> {
  const line = new Line();
  const heard: (() => Message)[] = [];
  let verdict = 'more';
  const outgoing = request({
    method: toHead ? 'HEAD' : 'GET',
    insecureHTTPParser: false,
    maxHeaderSize: 1 << 20,
    createConnection: () => line,
  });
  outgoing.maxHeadersCount = 0;
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    verdict = error.code ?? 'unknown';
  });
  outgoing.on('information', ({ statusCode, statusMessage, httpVersion, rawHeaders }) => {
    const status = `${statusCode} ${statusMessage} ${httpVersion}`;
    heard.push(() => ({ line: status, fields: rawHeaders, body: '', trailers: [], whole: true }));
  });
  outgoing.on('upgrade', (incoming, _socket, head) => {
    const { statusCode, statusMessage, httpVersion, rawHeaders } = incoming;
    const status = `${statusCode} ${statusMessage} ${httpVersion}`;
    heard.push(() => ({ line: status, fields: rawHeaders, body: '', trailers: [], whole: true }));
    verdict = `upgrade with ${head.length} bytes`;
  });
  outgoing.on('response', incoming => {
    const final = hear(incoming);
    heard.push(() => messageOf(final, `${incoming.statusCode} ${incoming.statusMessage}`));
  });
  outgoing.end();
  await turn();
  line.push(bytes);
  await turn();
  await turn();
  const messages = heard.map(told => told());
  outgoing.destroy();
  line.destroy();
  return { messages, verdict };
}
