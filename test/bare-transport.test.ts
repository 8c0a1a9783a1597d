/** Without Node's sockets: nothing is lost, doubled or out of order when the system takes only a part. */
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { BareConnect } from '../src/bare-connect.js';
import { BareTransport, canBeBare } from '../src/bare-transport.js';
import { findHandles, handles } from '../src/handles.js';
import { SHARED } from '../src/read-buffers.js';
import { outgoing } from '../src/transport.js';
import { DEAF, Wire, type WireReader } from '../src/wire.js';
import { content, Sink } from './support/flow.js';
import { deafPort } from './support/ports.js';
import { acceptedPair, dialledPair, type RawClient, turns } from './support/sockets.js';

const PIECE_BYTES = 8_192;

interface Wired {
  readonly wire: Wire;
  readonly far: RawClient;
}

async function wired(t: Test, reader: WireReader = DEAF): Promise<Wired> {
  const { transport, far } = await dialledPair(t);
  t.ok(transport instanceof BareTransport);
  return { wire: new Wire(transport, reader), far };
}

const [block = Buffer.alloc(0)] = content(1).blocks;
const piece = block.subarray(0, PIECE_BYTES);

/** Writes small pieces until the system takes no more. @returns how many */
function fill({ wire, far }: Wired): number {
  far.socket.pause();
  let count = 0;
  for (; !wire.congested; count += 1) wire.write(piece);
  return count;
}

t.test('a small piece that the system does not take is sent when it can be, and told when it is gone', async t => {
  let drained = 0;
  let drain: () => void = () => {};
  const pair = await wired(t, {
    ...DEAF,
    onDrain: () => {
      drained += 1;
      drain();
    },
  });
  const { wire, far } = pair;
  const sink = new Sink(far.socket);
  const before = sink.bytes;
  const pieces = fill(pair);
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
  t.test(`${way} waits for what is queued`, async t => {
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
  while (lines.length === 0) await turns(1);
  await turns(3);
  t.same(lines, ['close']);
});

t.test('a reader that throws when it hears of the drain costs this wire only', async t => {
  let closed = false;
  const pair = await wired(t, {
    ...DEAF,
    onDrain: () => {
      throw new Error('a mistake of ours');
    },
    onClose: () => {
      closed = true;
    },
  });
  fill(pair);
  pair.far.socket.resume();
  while (!closed) await turns(1);
  t.match(pair.wire.error, { message: 'a mistake of ours' });
});

t.test('an end and a pause are seen', async t => {
  const lines: string[] = [];
  const { wire, far } = await wired(t, {
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
  while (!wire.ended) await turns(1);
  t.equal(lines.join(''), 'onetwoend');
});

t.test('many that wait at once are each told of their own bytes', async t => {
  const drained: number[] = [];
  const pairs = await Promise.all([0, 1, 2, 3].map(index => wired(t, { ...DEAF, onDrain: () => drained.push(index) })));
  const counts = pairs.map(fill);
  for (const { wire } of pairs) for (let i = 0; i < 3; i += 1) wire.write(piece);
  for (const { far } of pairs) far.socket.pause();
  for (const [index, { wire, far }] of pairs.entries()) {
    const sink = new Sink(far.socket);
    wire.end();
    far.socket.resume();
    await once(far.socket, 'end');
    t.equal(sink.bytes, ((counts[index] ?? 0) + 3) * PIECE_BYTES);
  }
  t.same(drained, [0, 1, 2, 3], 'once each, in the order in which they were read');
});

t.test('behind its end nothing is written, and it ends once', async t => {
  const { wire, far } = await wired(t);
  wire.write('the last');
  wire.end();
  wire.end();
  wire.write(' and more');
  t.equal(await far.ended(), 'the last');
  t.notOk(wire.usable);
  t.notOk(wire.destroyed, 'the far side may go on');
  far.socket.end();
  while (!wire.destroyed) await turns(1);
  wire.reset();
  wire.end();
  wire.pause();
  wire.resume();
  t.equal(wire.transport.remote, undefined);
  t.equal(wire.transport.local, undefined);
});

t.test('one that is being sent its end is reset like any other', async t => {
  let closed = false;
  const pair = await wired(t, {
    ...DEAF,
    onClose: () => {
      closed = true;
    },
  });
  fill(pair);
  pair.wire.end();
  pair.wire.reset();
  while (!closed) await turns(1);
  pair.far.socket.resume();
  await pair.far.ended();
  t.ok(pair.wire.destroyed);
});

t.test('a reset right behind bytes is no end', async t => {
  for (let round = 0; round < 20; round += 1) {
    const lines: string[] = [];
    let received = 0;
    const { wire, far } = await wired(t, {
      ...DEAF,
      onBytes: bytes => {
        received += bytes.length;
      },
      onEnd: () => lines.push('end'),
      onClose: error => lines.push(`${(error as NodeJS.ErrnoException | undefined)?.code}`),
    });
    wire.pause();
    far.send(Buffer.alloc(100_000));
    await turns(3);
    far.socket.resetAndDestroy();
    await turns(3);
    wire.resume();
    while (lines.length === 0) await turns(1);
    t.same(lines, ['ECONNRESET']);
    t.ok(received > 0);
  }
});

t.test('a transport whose write has failed is of no use for another exchange', async t => {
  const pair = await wired(t, { ...DEAF, patient: true });
  pair.wire.pause();
  pair.far.socket.resetAndDestroy();
  await turns(3);
  for (let i = 0; i < 3; i += 1) pair.wire.write('x');
  t.notOk(pair.wire.destroyed, 'it is still to be read to its end');
  t.notOk(pair.wire.usable);
});

t.test('it knows both of its ends', async t => {
  const { transport, far } = await acceptedPair(t);
  t.same(transport.remote, { address: '127.0.0.1', port: far.socket.localPort });
  t.same(transport.local, { address: '127.0.0.1', port: far.socket.remotePort });
});

t.test('behind a transfer that is over, what comes is read in small pieces until another one fills them', async t => {
  const sizes: number[] = [];
  let largeAgain: () => void = () => {};
  const seen = new Promise<void>(resolve => {
    largeAgain = resolve;
  });
  let overAt = Number.POSITIVE_INFINITY;
  const { wire, far } = await wired(t, {
    ...DEAF,
    onBytes: bytes => {
      if (sizes.push(bytes.length) > overAt + 1 && bytes.length > SHARED.length) largeAgain();
      if (bytes.length <= SHARED.length || overAt < sizes.length) return;
      overAt = sizes.length;
      wire.transferOver();
    },
  });
  far.socket.on('error', () => {});
  const { blocks } = content(256);
  let told = false;
  void seen.then(() => {
    told = true;
  });
  for (const block of blocks) {
    if (!told) await new Promise(resolve => far.socket.write(block, resolve));
  }
  await seen;
  t.ok((sizes[overAt] ?? Number.POSITIVE_INFINITY) <= SHARED.length, `${sizes[overAt]}`);
  wire.destroy();
});

t.test('a connection that nobody waits for any more is given up', async t => {
  const before = outgoing.open;
  const user = { onConnected: () => t.fail('connected'), onFailed: () => t.fail('failed') };
  const connect = new BareConnect('127.0.0.1', 4, await deafPort(t), user);
  t.equal(outgoing.open, before + 1);
  connect.cancel();
  connect.cancel();
  await turns(3);
  t.equal(outgoing.open, before);
});

t.test('an address that can not be connected to is told later', async t => {
  const before = outgoing.open;
  const error = await new Promise<NodeJS.ErrnoException>(resolve => {
    const user = { onConnected: () => t.fail('connected'), onFailed: resolve };
    new BareConnect('no address', 6, 80, user);
  });
  t.match(error, { code: 'EINVAL', syscall: 'connect' });
  t.equal(outgoing.open, before);
});

t.test('every supported Node shows its handles, and where a part is missing there are none', t => {
  t.ok(canBeBare());
  t.ok(handles);
  const { binding } = process as unknown as { binding: (name: string) => object };
  t.ok(findHandles(binding));
  t.equal(findHandles(undefined), undefined);
  const forbidden = () => {
    throw new Error('ERR_ACCESS_DENIED');
  };
  t.equal(findHandles(forbidden), undefined);
  for (const [module, part] of [
    ['tcp_wrap', 'TCPConnectWrap'],
    ['tcp_wrap', 'TCP'],
    ['stream_wrap', 'WriteWrap'],
    ['stream_wrap', 'streamBaseState'],
    ['stream_wrap', 'kLastWriteWasAsync'],
  ]) {
    const without = (name: string) => ({
      ...binding.call(process, name),
      ...(name === module ? { [`${part}`]: undefined } : {}),
    });
    t.equal(findHandles(without), undefined, `${part}`);
  }
  t.end();
});
