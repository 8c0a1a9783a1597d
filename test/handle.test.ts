/** Writing and reading below the stream: nothing is lost, doubled or out of order when the system takes only a part. */
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { direct, directHandle, takenOf } from '../src/handle.js';
import { DEAF, Wire, type WireReader } from '../src/wire.js';
import { WireSocket } from '../src/wire-socket.js';
import { content, Sink } from './support/flow.js';
import { dialledPair, type RawClient, socketPair, turns } from './support/sockets.js';

const PIECE_BYTES = 8_192;

interface Pair {
  readonly wire: Wire;
  readonly socket: WireSocket;
  readonly far: RawClient;
}

async function wired(t: Test, reader: WireReader = DEAF): Promise<Pair> {
  const { socket, far } = await dialledPair(t);
  if (!(socket instanceof WireSocket)) throw new Error('not one of ours');
  const wire = new Wire(socket, reader);
  // The first write of all goes by the stream, which shows how it is done.
  wire.write('?');
  await once(far.socket, 'data');
  return { wire, socket, far };
}

const [block = Buffer.alloc(0)] = content(1).blocks;
const piece = block.subarray(0, PIECE_BYTES);

/** Writes small pieces until the system takes no more. @returns how many */
function fill({ wire, far }: Pair): number {
  far.socket.pause();
  let count = 0;
  for (; !wire.congested; count += 1) wire.write(piece);
  return count;
}

t.test('a small piece that the system does not take is sent below the stream, and told when it is gone', async t => {
  let drained = 0;
  let drain: () => void = () => {};
  const pair = await wired(t, {
    ...DEAF,
    onDrain: () => {
      drained += 1;
      drain();
    },
  });
  const { wire, socket, far } = pair;
  const sink = new Sink(far.socket);
  const before = sink.bytes;
  const pieces = fill(pair);
  t.ok(socket.sending, 'it waits below the stream');
  t.equal(socket.writableLength, 0, 'and not in it');
  t.ok(wire.queued);
  wire.tookSome();
  t.notOk(wire.tookSome());
  const told = new Promise<void>(resolve => {
    drain = resolve;
  });
  far.socket.resume();
  await told;
  t.notOk(wire.congested);
  t.notOk(wire.queued);
  t.ok(wire.tookSome());
  wire.end();
  await once(far.socket, 'end');
  t.equal(sink.bytes - before, pieces * PIECE_BYTES);
  t.equal(drained, 1);
});

t.test('what is written behind it, small or large, follows in order', async t => {
  const pair = await wired(t);
  const { wire, far } = pair;
  const pieces = fill(pair);
  const received: Buffer[] = [];
  wire.write('small');
  wire.write(block);
  wire.write('last');
  wire.end();
  far.socket.on('data', (bytes: Buffer) => received.push(bytes));
  far.socket.resume();
  await once(far.socket, 'end');
  const expected = [...Array.from({ length: pieces }, () => piece), 'small', block, 'last'];
  t.ok(Buffer.concat(received).equals(Buffer.concat(expected.map(part => Buffer.from(part)))));
});

for (const way of ['closeSoon', 'closeSent'] as const) {
  t.test(`${way} waits for what is below the stream`, async t => {
    const pair = await wired(t);
    const { wire, far } = pair;
    const sink = new Sink(far.socket);
    const before = sink.bytes;
    const pieces = fill(pair);
    wire[way]();
    t.notOk(wire.destroyed);
    far.socket.resume();
    await once(far.socket, 'end');
    t.equal(sink.bytes - before, pieces * PIECE_BYTES);
  });
}

t.test('a far side that resets meanwhile ends the wire with an error', async t => {
  let closed: (error: Error | undefined) => void = () => {};
  const over = new Promise<Error | undefined>(resolve => {
    closed = resolve;
  });
  const pair = await wired(t, { ...DEAF, onClose: error => closed(error) });
  fill(pair);
  pair.far.socket.resetAndDestroy();
  t.match(await over, { code: /^E/ });
});

t.test('a wire that is destroyed meanwhile tells of no drain', async t => {
  const lines: string[] = [];
  const pair = await wired(t, { ...DEAF, onDrain: () => lines.push('drain'), onClose: () => lines.push('close') });
  fill(pair);
  pair.wire.destroy();
  await once(pair.socket, 'close');
  await turns(3);
  t.same(lines, ['close']);
});

t.test('a reader that throws when it hears of the drain costs this wire only', async t => {
  const pair = await wired(t, {
    ...DEAF,
    onDrain: () => {
      throw new Error('a mistake of ours');
    },
  });
  fill(pair);
  const over = new Promise(resolve => pair.socket.on('close', resolve));
  pair.far.socket.resume();
  await over;
  t.match(pair.wire.error, { message: 'a mistake of ours' });
});

t.test('an end, an error and a pause are seen as ever', async t => {
  const lines: string[] = [];
  const { wire, socket, far } = await wired(t, {
    ...DEAF,
    onBytes: bytes => lines.push(bytes.toString()),
    onEnd: () => lines.push('end'),
  });
  wire.pause();
  far.send('one');
  await turns(5);
  t.same(lines, []);
  wire.resume();
  far.socket.end('two');
  await once(socket, 'end');
  t.equal(lines.join(''), 'onetwoend');
});

t.test('where it is off, or where a handle lacks a part, the stream does it all', async t => {
  const { socket } = await socketPair(t);
  t.ok(directHandle(socket));
  direct.off = true;
  t.teardown(() => {
    direct.off = process.env['USHER_TEST_ADOPTION'] === 'off';
  });
  t.equal(directHandle(socket), undefined);
  const pair = await dialledPair(t);
  const wire = new Wire(pair.socket, DEAF);
  pair.far.socket.pause();
  while (!wire.congested) wire.write(piece);
  t.ok(pair.socket.writableLength > 0);
  t.ok(takenOf(pair.socket) > 0);
  direct.off = false;
  const { _handle: handle } = socket as unknown as { _handle: object };
  Object.defineProperty(handle, 'writeBuffer', { value: undefined, configurable: true });
  t.equal(directHandle(socket), undefined);
  Object.defineProperty(handle, 'writeBuffer', { value: () => 0 });
  Object.defineProperty(handle, 'bytesRead', { value: undefined });
  t.equal(directHandle(socket), undefined);
  socket.destroy();
  t.equal(directHandle(socket), undefined);
  t.equal(takenOf(socket), 0);
});
