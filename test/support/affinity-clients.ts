/**
 * Clients of the affinity tests. Each of their requests comes over a connection of its own and, unless a test says who
 * asks, from an address that nothing came from before: only what the request says can bring it to the right endpoint.
 */
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import { WebSocket } from 'ws';
import { encodeV1, encodeV2 } from '../../src/proxy-header/encode.js';
import { tlvTypes } from '../../src/proxy-header/tlv-types.js';
import type { ClientSocket } from './peer-socket-io.js';

/** Where a connection comes from, and what its PROXY header says. */
export interface Origin {
  readonly client: string;
  /** Port that the client dialled; 80 if left out. */
  readonly port?: number;
  /** Bits of an SSL TLV (v2 only); left out: there is none. */
  readonly ssl?: number;
  readonly version?: 1 | 2;
  /** The balancer's own address. */
  readonly local?: string;
}

export function headerOf({ client, port = 80, ssl, version = 2 }: Origin): Uint8Array {
  const ends = {
    source: { address: client, port: 51_234 },
    destination: { address: client.includes(':') ? '2001:db8::1' : '10.0.1.20', port },
  };
  if (version === 1) return encodeV1(ends);
  const tlvs = ssl === undefined ? [] : [{ type: tlvTypes.SSL, value: Uint8Array.of(ssl, 0, 0, 0, 0) }];
  return encodeV2({ command: 'PROXY', ...ends, tlvs });
}

let strangers = 0;

/** Somebody who was never here before, behind a balancer that wasn't either. */
export function stranger(): Origin {
  strangers += 1;
  const rest = `${strangers >> 7}.${1 + (strangers & 127)}`;
  return { client: `198.18.${rest}`, local: `127.1.${rest}`, version: strangers % 2 === 0 ? 1 : 2 };
}

function dial(port: number, origin: Origin): net.Socket {
  const { local = '127.0.0.1' } = origin;
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: local, noDelay: true });
  socket.write(headerOf(origin));
  return socket;
}

export interface Question {
  readonly target: string;
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** One request over a connection of its own; resolves with the whole response, also with a 101. */
export function ask(port: number, { target, body, ...rest }: Question, origin = stranger()): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ path: target, ...rest, createConnection: () => dial(port, origin) });
    const answered = (response: http.IncomingMessage, content: string) =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: content });
    request.on('error', reject);
    request.on('response', response => text(response).then(content => answered(response, content), reject));
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      answered(response, '');
    });
    request.end(body);
  });
}

// ---- Engine.IO by hand ----

export interface SessionForm {
  /** Revision of the protocol. */
  readonly eio: 3 | 4;
  readonly jsonp?: boolean;
}

/** A Socket.IO session by long polling. */
export class Session {
  private lastId = 0;

  private constructor(
    private readonly port: number,
    private readonly form: SessionForm,
    readonly sid: string,
    private readonly joined: boolean,
  ) {}

  /** The handshake. @param origin who opens it; its later requests come from strangers */
  static async open(port: number, form: SessionForm = { eio: 4 }, origin = stranger()): Promise<Session> {
    const { status, body } = await ask(port, { target: targetOf(form) }, origin);
    if (status !== 200) throw new Error(`the handshake was answered ${status}: ${body}`);
    const [open = '', ...packets] = packetsOf(form, body);
    return new Session(port, form, JSON.parse(open.slice(1)).sid, packets.includes('40'));
  }

  get target(): string {
    return `${targetOf(this.form)}&sid=${this.sid}`;
  }

  /** Joins the namespace; in revision 3 the server does that by itself. */
  async join(): Promise<this> {
    if (this.form.eio === 4) await this.post('40');
    if (!this.joined) await this.pollFor(packet => packet.startsWith('40'));
    return this;
  }

  /** Waits in a poll for the answer to what a POST brings at the same time. */
  async echo(value: string): Promise<string> {
    this.lastId += 1;
    const ack = `43${this.lastId}`;
    const isAck = (packet: string) => packet.startsWith(`${ack}[`);
    const [packet] = await Promise.all([this.pollFor(isAck), this.post(echoPacket(this.lastId, value))]);
    return JSON.parse(packet.slice(ack.length))[0];
  }

  private async pollFor(isWanted: (packet: string) => boolean): Promise<string> {
    for (;;) {
      const { status, body } = await ask(this.port, { target: this.target });
      if (status !== 200) throw new Error(`a poll was answered ${status}: ${body}`);
      const packet = packetsOf(this.form, body).find(isWanted);
      if (packet !== undefined) return packet;
    }
  }

  async post(packet: string): Promise<void> {
    const { target, form } = this;
    const payload = form.eio === 3 ? `${packet.length}:${packet}` : packet;
    const body = form.jsonp ? `d=${encodeURIComponent(payload)}` : payload;
    const type = form.jsonp ? 'application/x-www-form-urlencoded' : 'text/plain;charset=UTF-8';
    const answer = await ask(this.port, { target, method: 'POST', headers: { 'Content-Type': type }, body });
    if (answer.status !== 200) throw new Error(`a POST was answered ${answer.status}: ${answer.body}`);
  }

  /** Upgrades; `echo` then goes over the WebSocket. */
  async upgrade(t: Test): Promise<{ echo(value: string): Promise<string>; close(): Promise<void> }> {
    const target = this.target.replace('polling', 'websocket');
    const socket = new WebSocketFrom(`ws://127.0.0.1:${this.port}${target}`);
    t.teardown(() => socket.terminate());
    await once(socket, 'open');
    socket.send('2probe');
    await frame(socket, '3probe');
    socket.send('5');
    const echo = async (value: string) => {
      this.lastId += 1;
      const ack = `43${this.lastId}`;
      const answer = frame(socket, `${ack}[`);
      socket.send(echoPacket(this.lastId, value));
      return JSON.parse((await answer).slice(ack.length))[0];
    };
    const close = async () => {
      socket.close();
      await once(socket, 'close');
    };
    return { echo, close };
  }
}

function echoPacket(id: number, value: string): string {
  return `42${id}${JSON.stringify(['echo', value])}`;
}

function targetOf({ eio, jsonp }: SessionForm): string {
  return `/socket.io/?EIO=${eio}&transport=polling${jsonp ? '&j=0' : ''}`;
}

/** The packets of a payload. */
function packetsOf({ eio, jsonp }: SessionForm, body: string): string[] {
  const payload: string = jsonp ? JSON.parse(body.slice('___eio[0]('.length, -');'.length)) : body;
  if (eio === 4) return payload.split('\x1e');
  const packets: string[] = [];
  for (let rest = payload; rest !== ''; ) {
    const begin = rest.indexOf(':') + 1;
    const end = begin + Number(rest.slice(0, begin - 1));
    packets.push(rest.slice(begin, end));
    rest = rest.slice(end);
  }
  return packets;
}

/** The next text frame that begins so. */
async function frame(socket: WebSocket, beginning: string): Promise<string> {
  for (;;) {
    const [data] = await once(socket, 'message');
    if (String(data).startsWith(beginning)) return String(data);
  }
}

// ---- the real client ----

/** A WebSocket of a stranger. */
class WebSocketFrom extends WebSocket {
  constructor(url: string | URL) {
    const port = Number(new URL(url).port);
    super(url, { createConnection: (() => dial(port, stranger())) as typeof net.createConnection });
  }
}

/** As much of `fetch` as the client uses, every time by a stranger. */
async function fetchFrom(url: string, { method = 'GET', body = '', headers = new Headers() } = {}): Promise<Response> {
  const { port, pathname, search } = new URL(url);
  const question = { target: pathname + search, method, headers: Object.fromEntries(headers), body };
  const answer = await ask(Number(port), question);
  return new Response(answer.body, { status: answer.status });
}

interface ClientModule {
  readonly Fetch: unknown;
  readonly WebSocket: unknown;
  io(url: string, options: object): ClientSocket;
}

/** The bundle is an ES module in a CommonJS package: Node takes it for one only under another file name. */
async function loadClient(): Promise<ClientModule> {
  Object.assign(globalThis, { WebSocket: WebSocketFrom, fetch: fetchFrom });
  const { resolve } = createRequire(import.meta.url);
  const dir = await mkdtemp(join(tmpdir(), 'usher-affinity-'));
  const file = join(dir, 'client.mjs');
  await copyFile(join(dirname(resolve('socket.io/package.json')), 'client-dist/socket.io.esm.min.js'), file);
  const client: ClientModule = await import(pathToFileURL(file).href);
  await rm(dir, { recursive: true });
  return client;
}

let loading: Promise<ClientModule> | undefined;

/** Socket.IO's own client, connected; it comes back 1 ms after it has lost its session. @param upgrade false: it only polls */
export async function connectClient(t: Test, port: number, upgrade: boolean): Promise<ClientSocket> {
  loading ??= loadClient();
  const { io, Fetch, WebSocket: Upgraded } = await loading;
  const transports = upgrade ? [Fetch, Upgraded] : [Fetch];
  const options = { transports, forceNew: true, reconnectionDelay: 1, randomizationFactor: 0 };
  const socket = io(`http://127.0.0.1:${port}`, options);
  t.teardown(() => socket.disconnect());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', reject);
  });
  return socket;
}
