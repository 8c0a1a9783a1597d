/**
 * How usher closes a WebSocket: whatever the backend's stream looks like and wherever it is cut, an independent parser on
 * the client's side reads whole messages, then the Close, then nothing.
 */
import type { Writable } from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import { closeFrame, ENGINE_IO_CLOSE } from '../../src/tunnel/close-frame.js';
import { Tunnel, type TunnelOwner } from '../../src/tunnel/tunnel.js';
import type { Wire, WireReader } from '../../src/wire.js';

/** Its types don't name its parser. */
const { Receiver } = (await import('ws')) as unknown as {
  readonly Receiver: new (options: object) => Writable;
};

/** A wire that remembers what is written; its far side is the test. */
class FakeWire {
  reader: WireReader | undefined;
  readonly written: Buffer[] = [];
  ended = false;
  destroyed = false;
  congested = false;
  fins = 0;

  write(bytes: Buffer): void {
    if (bytes.length > 0) this.written.push(Buffer.from(bytes));
  }

  end(): void {
    this.fins += 1;
  }

  closeSoon(): void {
    this.fins += 1;
  }

  pause(): void {}
  resume(): void {}

  get bytes(): Buffer {
    return Buffer.concat(this.written);
  }

  /** The far side sends. */
  arrive(bytes: Buffer): void {
    this.reader?.onBytes(bytes);
  }
}

const OWNER: TunnelOwner = {
  sentToBackend() {},
  sentToClient() {},
  tunnelActive() {},
  tunnelHalfGone() {},
  tunnelGone() {},
  tunnelClosed() {},
};

interface Opened {
  readonly tunnel: Tunnel;
  readonly client: FakeWire;
  readonly backend: FakeWire;
}

function opened(websocket = true): Opened {
  const client = new FakeWire();
  const backend = new FakeWire();
  const tunnel = new Tunnel(client as unknown as Wire, backend as unknown as Wire, OWNER, websocket);
  tunnel.open(Buffer.alloc(0), Buffer.alloc(0));
  return { tunnel, client, backend };
}

const GOODBYE = closeFrame(1012, 'service restart');

const TEXT = 1;
const CONTINUATION = 0;
const CLOSE = 8;
const PING = 9;

/** A frame as servers send it, or masked with zeros as a client may send it. */
function frame(opcode: number, payload: string | Buffer, fin = true, masked = false): Buffer {
  const body = Buffer.from(payload);
  const mask = masked ? 0x80 : 0;
  const first = (fin ? 0x80 : 0) | opcode;
  const head =
    body.length < 126 ? [first, mask | body.length] : [first, mask | 126, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(masked ? 4 : 0), body]);
}

interface Read {
  readonly messages: string[];
  close: { readonly code: number; readonly reason: string } | undefined;
  fault: string | undefined;
}

/** What `ws` reads in these bytes, a client's side of a conversation. */
async function readBy(bytes: Buffer): Promise<Read> {
  const read: Read = { messages: [], close: undefined, fault: undefined };
  const receiver = new Receiver({ isServer: false, allowSynchronousEvents: true });
  receiver.on('message', (data: Buffer) => read.messages.push(data.toString()));
  receiver.on('conclude', (code: number, reason: Buffer) => {
    read.close = { code, reason: reason.toString() };
  });
  receiver.on('error', (error: Error) => {
    read.fault = error.message;
  });
  await new Promise<void>(resolve => {
    receiver.write(bytes, () => resolve());
  });
  return read;
}

/** A stream of messages, some in fragments with pings between; and the messages. */
const streams = fc
  .array(
    fc.record({
      size: fc.oneof(fc.nat(140), fc.nat(3_000)),
      parts: fc.integer({ min: 1, max: 4 }),
      ping: fc.boolean(),
    }),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map(list => {
    const messages = list.map(({ size }, index) => `${index}:${'x'.repeat(size)}`);
    const frames = list.flatMap(({ parts, ping }, index) => {
      const text = messages[index] ?? '';
      const step = Math.ceil(text.length / parts);
      return Array.from({ length: parts }, (_, part) => {
        const piece = frame(
          part === 0 ? TEXT : CONTINUATION,
          text.slice(part * step, (part + 1) * step),
          part === parts - 1,
        );
        return ping ? Buffer.concat([piece, frame(PING, 'are you there')]) : piece;
      });
    });
    return { messages, bytes: Buffer.concat(frames) };
  });

t.test('the Close stands behind whole messages, wherever the stream is cut and usher wants to close', async t => {
  const check = fc.asyncProperty(
    streams,
    fc.array(fc.nat(400), { maxLength: 80 }),
    fc.nat(),
    fc.boolean(),
    async ({ messages, bytes }, sizes, when, pressed) => {
      const { tunnel, client, backend } = opened();
      const pieces: Buffer[] = [];
      let at = 0;
      for (const size of [...sizes, bytes.length]) {
        if (at < bytes.length) pieces.push(bytes.subarray(at, at + 1 + size));
        at += 1 + size;
      }
      const turn = when % (pieces.length + 1);
      for (const [index, piece] of [...pieces, undefined].entries()) {
        if (index === turn) {
          tunnel.close(GOODBYE);
          if (pressed) tunnel.press();
        }
        if (piece !== undefined) backend.arrive(piece);
      }
      const { messages: got, close, fault } = await readBy(client.bytes);
      const isPrefix = got.every((message, index) => message === messages[index]);
      return fault === undefined && isPrefix && close?.code === 1012 && close.reason === 'service restart';
    },
  );
  await fc.assert(check, { numRuns: 400 });
  t.pass('400 streams');
});

t.test('one stream, closed and cut at each of its offsets', async t => {
  const messages = ['first', 'a message in three parts', 'y'.repeat(200)];
  const bytes = Buffer.concat([
    frame(TEXT, 'first'),
    frame(TEXT, 'a message ', false),
    frame(PING, '?'),
    frame(CONTINUATION, 'in three ', false),
    frame(CONTINUATION, 'parts'),
    frame(TEXT, 'y'.repeat(200)),
  ]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const { tunnel, client, backend } = opened();
    backend.arrive(bytes.subarray(0, cut));
    tunnel.close(GOODBYE);
    backend.arrive(bytes.subarray(cut));
    const { messages: got, close, fault } = await readBy(client.bytes);
    const fine = fault === undefined && close?.code === 1012 && got.every((text, index) => text === messages[index]);
    if (!fine) t.fail(`cut at ${cut}: ${JSON.stringify({ got, close, fault })}`);
  }
  t.pass(`${bytes.length + 1} offsets`);
});

t.test('a message that does not end is not waited for for ever, a frame is', async t => {
  const { tunnel, client, backend } = opened();
  backend.arrive(frame(TEXT, 'begun', false));
  tunnel.close(GOODBYE);
  t.ok(tunnel.closing);
  t.notOk(client.bytes.includes(GOODBYE));
  tunnel.press();
  t.ok(client.bytes.includes(GOODBYE));

  const other = opened();
  other.backend.arrive(frame(TEXT, 'begun').subarray(0, 4));
  other.tunnel.close(GOODBYE);
  other.tunnel.press();
  t.notOk(other.client.bytes.includes(GOODBYE), 'never inside a frame');
  other.backend.arrive(frame(TEXT, 'begun').subarray(4));
  t.ok(other.client.bytes.includes(GOODBYE));
  other.tunnel.press();
  t.equal(other.client.bytes.lastIndexOf(GOODBYE), other.client.bytes.indexOf(GOODBYE), 'once');
});

t.test('what the client says goes on, and its answer to the Close ends both sides', async t => {
  const { tunnel, client, backend } = opened();
  tunnel.close(GOODBYE);
  backend.arrive(frame(TEXT, 'too late'));
  t.ok(client.bytes.equals(GOODBYE), 'nothing follows the Close');
  client.arrive(frame(TEXT, 'still mine', true, true));
  t.equal(client.fins, 0);
  const answer = frame(CLOSE, Buffer.from([0x03, 0xf4]), true, true);
  client.arrive(answer.subarray(0, 7));
  t.equal(client.fins, 0, 'its answer is not whole');
  client.arrive(answer.subarray(7));
  t.ok(backend.bytes.equals(Buffer.concat([frame(TEXT, 'still mine', true, true), answer])));
  t.equal(client.fins, 1);
  t.equal(backend.fins, 1);
});

t.test('what a client sends behind its answer goes nowhere', async t => {
  const answer = frame(CLOSE, Buffer.from([0x03, 0xf4]), true, true);
  const { tunnel, client, backend } = opened();
  tunnel.close(GOODBYE);
  client.arrive(Buffer.concat([frame(TEXT, 'last words', true, true), answer, Buffer.from([0x81])]));
  t.ok(backend.bytes.equals(Buffer.concat([frame(TEXT, 'last words', true, true), answer])));
  t.equal(client.fins, 1);
  t.equal(backend.fins, 1);
  client.arrive(frame(TEXT, 'more'));
  t.equal(backend.written.length, 1);
});

t.test('a backend that ends while usher waits for a place: between frames is one, inside a frame is none', async t => {
  for (const how of ['onEnd', 'onClose'] as const) {
    const between = opened();
    between.backend.arrive(frame(TEXT, 'begun', false));
    between.tunnel.close(GOODBYE);
    between.backend.reader?.[how](undefined);
    t.ok(between.client.bytes.includes(GOODBYE), how);
    t.ok(between.client.fins > 0);
    const { length } = between.client.bytes;
    between.tunnel.press();
    t.equal(between.client.bytes.length, length, 'nothing is written behind the end');

    const inside = opened();
    inside.backend.arrive(frame(TEXT, 'begun').subarray(0, 4));
    inside.tunnel.close(GOODBYE);
    inside.backend.reader?.[how](undefined);
    inside.tunnel.press();
    t.notOk(inside.client.bytes.includes(GOODBYE), how);
  }
});

t.test('the owner is told when the Close is said, and only then', async t => {
  let closed = 0;
  const client = new FakeWire();
  const backend = new FakeWire();
  const owner = { ...OWNER, tunnelClosed: () => (closed += 1) };
  const tunnel = new Tunnel(client as unknown as Wire, backend as unknown as Wire, owner, true);
  tunnel.open(Buffer.alloc(0), Buffer.alloc(0));
  backend.arrive(frame(TEXT, 'begun', false));
  tunnel.close(GOODBYE);
  t.equal(closed, 0);
  backend.arrive(frame(CONTINUATION, 'ended'));
  t.equal(closed, 1);
});

t.test('a WebSocket whose sides close already is left alone', async t => {
  const byBackend = opened();
  byBackend.backend.arrive(frame(CLOSE, Buffer.from([3, 232])));
  t.notOk(byBackend.tunnel.closable);
  byBackend.tunnel.close(GOODBYE);
  t.notOk(byBackend.client.bytes.includes(GOODBYE));

  const byClient = opened();
  byClient.client.arrive(frame(CLOSE, Buffer.from([3, 232]), true, true));
  byClient.tunnel.close(GOODBYE);
  t.equal(byClient.client.bytes.length, 0);

  const meanwhile = opened();
  meanwhile.backend.arrive(frame(TEXT, 'begun', false));
  meanwhile.tunnel.close(GOODBYE);
  meanwhile.client.arrive(frame(CLOSE, Buffer.from([3, 232]), true, true));
  meanwhile.backend.arrive(frame(CONTINUATION, 'ended'));
  t.notOk(meanwhile.client.bytes.includes(GOODBYE), 'the client has closed while usher waited');

  const late = opened();
  late.backend.arrive(frame(TEXT, 'begun').subarray(0, 3));
  late.tunnel.close(GOODBYE);
  const rest = Buffer.concat([frame(TEXT, 'begun', false).subarray(3), frame(CLOSE, Buffer.from([3, 232]))]);
  late.backend.arrive(rest.subarray(0, 4));
  t.ok(late.client.bytes.includes(GOODBYE), 'behind the first frame');

  const closes = opened();
  closes.backend.arrive(frame(TEXT, 'in parts', false));
  closes.tunnel.close(GOODBYE);
  closes.backend.arrive(Buffer.concat([frame(CLOSE, Buffer.from([3, 232])), frame(TEXT, 'nonsense')]));
  t.notOk(closes.client.bytes.includes(GOODBYE), 'the backend has closed while usher waited');
  t.ok(closes.client.bytes.includes('nonsense'), 'and what it sends is its own affair');

  const ended = opened();
  ended.client.ended = true;
  t.notOk(ended.tunnel.closable);
  const gone = opened();
  gone.backend.reader?.onClose(undefined);
  t.notOk(gone.tunnel.closable);
});

t.test('what is no WebSocket cannot be closed', async t => {
  const { tunnel, client, backend } = opened(false);
  backend.arrive(frame(TEXT, 'hello'));
  t.notOk(tunnel.closable);
  tunnel.close(GOODBYE);
  tunnel.press();
  t.ok(client.bytes.equals(frame(TEXT, 'hello')));
});

t.test("Engine.IO's packet stands in front of the Close", async t => {
  const { messages, close } = await readBy(Buffer.concat([ENGINE_IO_CLOSE, closeFrame(1001, '')]));
  t.same(messages, ['1']);
  t.match(close, { code: 1001, reason: '' });
});
