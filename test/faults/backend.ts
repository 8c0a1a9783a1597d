/**
 * A backend that does what each request tells it to in `X-Plan`, and checks that request for bytes of others. The
 * plan is `<behaviour> <length>`.
 */

import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { asChunks, contentOf, framingOf, type Message, MessageReader } from './content.js';
import type { Random } from './random.js';

/** Behaviours that give the client a whole response. */
export const WHOLE = [
  'length',
  'chunked',
  'close',
  'empty',
  'interim',
  'split',
  'then-close',
  'unasked-behind',
] as const;
/** Behaviours that can't. */
export const BROKEN = ['reset', 'reset-in-head', 'reset-in-body', 'short', 'silent', 'nonsense'] as const;

export type Behaviour = (typeof WHOLE)[number] | (typeof BROKEN)[number] | 'early';

export interface FaultyBackend {
  readonly port: number;
  /** What went wrong, in words; empty when nothing did. */
  readonly faults: string[];
  /**
   * Requests that came on a connection behind bytes that nobody had asked for: those were still on their way when the
   * connection was lent again, which nobody can see (RFC 9112 9.2), so 502 is a right answer to these and no others.
   */
  readonly overtaken: Set<string>;
  readonly open: () => number;
}

/** Starts it; every connection is answered request by request. */
export async function startFaultyBackend(t: Test, random: Random): Promise<FaultyBackend> {
  const faults: string[] = [];
  const overtaken = new Set<string>();
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: false, noDelay: true }, socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    new Serving(socket, random, faults, overtaken);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, faults, overtaken, open: () => sockets.size };
}

class Serving {
  private readonly reader = new MessageReader();
  private request: Message | undefined;
  /** Whether bytes that nobody asked for went out behind a response. */
  private spoilt = false;

  constructor(
    private readonly socket: net.Socket,
    private readonly random: Random,
    private readonly faults: string[],
    private readonly overtaken: Set<string>,
  ) {
    socket.on('data', (bytes: Buffer) => {
      this.reader.push(bytes);
      while (this.step());
    });
  }

  /** One request; false: more bytes are needed. */
  private step(): boolean {
    this.request ??= this.takeHead();
    const { request } = this;
    if (request === undefined) return false;
    const kind = framingOf(request);
    const length = Number(request.fields.get('content-length') ?? 0);
    const body = kind === 'chunked' ? this.reader.chunkedBody() : this.reader.body(length);
    if (body === undefined) return false;
    this.request = undefined;
    this.check(request, body);
    if (planOf(request).behaviour !== 'early') this.answer(request);
    return true;
  }

  private takeHead(): Message | undefined {
    const head = this.reader.head();
    if (head !== undefined && this.spoilt) this.overtaken.add(head.fields.get('x-id') ?? '');
    if (head !== undefined && planOf(head).behaviour === 'early') this.answer(head);
    return head;
  }

  /** The request is one of ours, from the client that its forwarding field names, with nothing of another. */
  private check(request: Message, body: Buffer): void {
    const id = request.fields.get('x-id') ?? '';
    const client = request.fields.get('x-client');
    if (request.fields.get('x-forwarded-for') !== client) this.faults.push(`${id}: forwarded for somebody else`);
    if (!body.equals(contentOf(id, body.length))) this.faults.push(`${id}: a request body of somebody else`);
    const expected = request.fields.get('x-length');
    if (Number(expected) !== body.length) this.faults.push(`${id}: ${body.length} of ${expected} body bytes`);
  }

  private answer(request: Message): void {
    const { socket } = this;
    const id = request.fields.get('x-id') ?? '';
    const { behaviour, length } = planOf(request);
    const content = contentOf(id, length);
    const head = (fields: string) => `HTTP/1.1 200 OK\r\nX-Id: ${id}\r\n${fields}\r\n`;
    const lengthHead = head(`Content-Length: ${length}\r\n`);
    switch (behaviour) {
      case 'chunked':
        socket.write(head('Transfer-Encoding: chunked\r\n'));
        socket.write(asChunks(content, () => this.random.below(5_000)));
        break;
      case 'close':
        socket.write(head('Connection: close\r\n'));
        socket.end(content);
        break;
      case 'then-close':
        socket.write(head(`Content-Length: ${length}\r\nConnection: close\r\n`));
        socket.end(content);
        break;
      case 'empty':
        socket.write(`HTTP/1.1 204 No Content\r\nX-Id: ${id}\r\n\r\n`);
        break;
      case 'interim':
        socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n');
        socket.write(lengthHead);
        socket.write(content);
        break;
      case 'split':
        this.inPieces(Buffer.concat([Buffer.from(lengthHead), content]));
        break;
      case 'unasked-behind':
        socket.write(Buffer.concat([Buffer.from(lengthHead), content, Buffer.from('HTTP/1.1 200 OK\r\n')]));
        this.spoilt = true;
        break;
      case 'reset':
        socket.resetAndDestroy();
        break;
      case 'reset-in-head':
        socket.write(lengthHead.slice(0, 20), () => socket.resetAndDestroy());
        break;
      case 'reset-in-body':
        socket.write(lengthHead);
        socket.write(content.subarray(0, length >> 1), () => socket.resetAndDestroy());
        break;
      case 'short':
        socket.write(lengthHead);
        socket.end(content.subarray(0, length >> 1));
        break;
      case 'nonsense':
        socket.write('HTTP/1.1 200 OK\nContent-Length: 0\n\n');
        break;
      case 'silent':
        break;
      default:
        socket.write(lengthHead);
        socket.write(content);
    }
  }

  /** A few writes in turns of the event loop, so that they travel apart. */
  private inPieces(bytes: Buffer): void {
    const size = Math.max(1, Math.ceil(bytes.length / (1 + this.random.below(6))));
    const send = (at: number): void => {
      if (this.socket.destroyed) return;
      this.socket.write(bytes.subarray(at, at + size));
      if (at + size < bytes.length) setImmediate(send, at + size);
    };
    send(0);
  }
}

function planOf(request: Message): { readonly behaviour: Behaviour; readonly length: number } {
  const [behaviour = 'length', length = '0'] = (request.fields.get('x-plan') ?? '').split(' ');
  return { behaviour: behaviour as Behaviour, length: Number(length) };
}
