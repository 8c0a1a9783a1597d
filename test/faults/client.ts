/** A client that misbehaves by plan, and checks every byte that it gets. */
import { once } from 'node:events';
import net from 'node:net';
import { type Behaviour, BROKEN, WHOLE } from './backend.js';
import { asChunks, contentOf, framingOf, type Message, MessageReader } from './content.js';
import type { Random } from './random.js';

/** What a client does wrong in one exchange; `none` in most. */
type Misdeed =
  | 'none'
  | 'reset-in-head'
  | 'reset-in-body'
  | 'leave-in-body'
  | 'reset-waiting'
  | 'reset-in-response'
  | 'stall';

export interface Tally {
  exchanges: number;
  /** Exchanges in which nobody misbehaved: all of these must have been answered whole. */
  clean: number;
  readonly statuses: Map<string, number>;
  /** By exchange, `name-number`. */
  readonly faults: Map<string, string>;
}

interface Plan {
  readonly id: string;
  readonly misdeed: Misdeed;
  readonly behaviour: Behaviour;
  readonly head: Buffer;
  readonly body: Buffer;
  readonly responseLength: number;
}

/** One connection of `count` exchanges at most; it may end before. */
export async function converse(port: number, name: number, count: number, random: Random, tally: Tally): Promise<void> {
  const client = `10.${name >> 16}.${(name >> 8) & 255}.${name & 255}`;
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  socket.on('error', () => {});
  const inbox = new Inbox(socket);
  await once(socket, 'connect').catch(() => {});
  await sendInPieces(socket, Buffer.from(`PROXY TCP4 ${client} 10.255.0.1 4000 80\r\n`), random);
  for (let i = 0; i < count && !inbox.ended; i += 1) {
    const plan = makePlan(`${name}-${i}`, client, random);
    tally.exchanges += 1;
    const open = await exchange(socket, inbox, plan, random, tally);
    if (!open) break;
  }
  socket.destroy();
}

function makePlan(id: string, client: string, random: Random): Plan {
  const misdeed = random.chance(0.85)
    ? 'none'
    : random.one<Misdeed>(['reset-in-head', 'reset-in-body', 'leave-in-body', 'reset-waiting', 'reset-in-response']);
  const rare = random.chance(0.003);
  const broken = random.chance(0.12);
  const behaviour: Behaviour = broken ? brokenBehaviour(random) : random.chance(0.05) ? 'early' : random.one(WHOLE);
  const requestLength = random.chance(0.5) ? 0 : random.below(random.chance(0.05) ? 300_000 : 4_000);
  const responseLength = behaviour === 'empty' ? 0 : random.below(random.chance(0.05) ? 300_000 : 4_000);
  const chunked = requestLength > 0 && random.chance(0.5);
  const framing = chunked
    ? 'Transfer-Encoding: chunked\r\n'
    : requestLength > 0
      ? `Content-Length: ${requestLength}\r\n`
      : '';
  const content = contentOf(id, requestLength);
  return {
    id,
    misdeed: rare ? 'stall' : misdeed,
    behaviour,
    head: Buffer.from(
      `${requestLength > 0 ? 'POST' : 'GET'} /${id} HTTP/1.1\r\nHost: chat\r\nX-Id: ${id}\r\nX-Client: ${client}\r\n` +
        `X-Forwarded-For: 6.6.6.6\r\nX-Length: ${requestLength}\r\nX-Plan: ${behaviour} ${responseLength}\r\n${framing}\r\n`,
    ),
    body: chunked ? asChunks(content, () => random.below(2_000)) : content,
    responseLength,
  };
}

/** A silent backend costs a whole response timeout, so it is rare. */
function brokenBehaviour(random: Random): Behaviour {
  const behaviour = random.one(BROKEN);
  return behaviour === 'silent' && random.chance(0.8) ? 'reset' : behaviour;
}

/** Answers whether the connection can carry another exchange. */
async function exchange(socket: net.Socket, inbox: Inbox, plan: Plan, random: Random, tally: Tally): Promise<boolean> {
  const { misdeed, head, body } = plan;
  if (misdeed === 'reset-in-head' || misdeed === 'stall') {
    await sendInPieces(socket, head.subarray(0, 1 + random.below(head.length - 1)), random);
    if (misdeed === 'stall') await inbox.end();
    socket.resetAndDestroy();
    return false;
  }
  await sendInPieces(socket, head, random);
  if (body.length > 0 && (misdeed === 'reset-in-body' || misdeed === 'leave-in-body')) {
    await sendInPieces(socket, body.subarray(0, random.below(body.length)), random);
    if (misdeed === 'reset-in-body') socket.resetAndDestroy();
    else socket.end();
    await inbox.end();
    return false;
  }
  await sendInPieces(socket, body, random);
  if (misdeed === 'reset-waiting') {
    socket.resetAndDestroy();
    return false;
  }
  return receive(socket, inbox, plan, tally);
}

async function receive(socket: net.Socket, inbox: Inbox, plan: Plan, tally: Tally): Promise<boolean> {
  const { behaviour, id, misdeed } = plan;
  let head = await inbox.head();
  while (head?.startLine.startsWith('HTTP/1.1 1') === true) head = await inbox.head();
  const status = head?.startLine.split(' ')[1] ?? 'none';
  tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
  if (misdeed === 'reset-in-response') {
    socket.resetAndDestroy();
    return false;
  }
  const whole = !(BROKEN as readonly string[]).includes(behaviour);
  const body = head === undefined ? undefined : await inbox.body(head);
  if (head?.fields.has('x-id') === true) checkContent(head, body, plan, tally);
  if (!whole) return head?.fields.get('connection') !== 'close' && body !== undefined;
  tally.clean += 1;
  if (status !== '200' && status !== '204') tally.faults.set(id, `${behaviour} was answered ${status}`);
  else if (body === undefined) tally.faults.set(id, `${behaviour} was answered in part`);
  return head?.fields.get('connection') !== 'close';
}

function checkContent(head: Message, body: Buffer | undefined, plan: Plan, tally: Tally): void {
  if (head.fields.get('x-id') !== plan.id) tally.faults.set(plan.id, `got the answer to ${head.fields.get('x-id')}`);
  if (body === undefined) return;
  if (!body.equals(contentOf(plan.id, plan.responseLength))) tally.faults.set(plan.id, 'wrong response content');
}

/** Sends in one to four writes, in turns of the event loop. */
async function sendInPieces(socket: net.Socket, bytes: Buffer, random: Random): Promise<void> {
  const size = Math.max(1, Math.ceil(bytes.length / (1 + random.below(4))));
  for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
    socket.write(bytes.subarray(at, at + size));
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** What has come in on a connection, message by message. */
class Inbox {
  ended = false;
  private readonly reader = new MessageReader();

  constructor(private readonly socket: net.Socket) {
    const end = () => {
      this.ended = true;
      socket.emit('news');
    };
    socket.on('data', (bytes: Buffer) => {
      this.reader.push(bytes);
      socket.emit('news');
    });
    socket.on('end', end);
    socket.on('close', end);
  }

  head(): Promise<Message | undefined> {
    return this.once(() => this.reader.head());
  }

  /** The body that belongs to a head; undefined when the connection ended before it was whole. */
  body(head: Message): Promise<Buffer | undefined> {
    const kind = framingOf(head);
    if (kind === 'chunked') return this.once(() => this.reader.chunkedBody());
    return this.once(() => this.reader.body(Number(head.fields.get('content-length') ?? 0)));
  }

  async end(): Promise<void> {
    while (!this.ended) await once(this.socket, 'news');
  }

  private async once<T>(look: () => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = look();
      if (found !== undefined || this.ended) return found;
      await once(this.socket, 'news');
    }
  }
}
