/** A wire: one reader at a time, one owner, and an end that is told once. */
import { EventEmitter, once } from 'node:events';
import t, { type Test } from 'tap';
import { DEAF, isFault, Wire, type WireOwner, type WireReader } from '../src/wire.js';
import { content, Sink, standstill } from './support/flow.js';
import { acceptedPair, dialledPair, type Pair, plainly, type RawClient, turns } from './support/sockets.js';

/** Writes down what it is told. */
class Diary extends EventEmitter implements WireReader, WireOwner {
  readonly patient = true;
  readonly lines: string[] = [];
  error: Error | undefined;

  onBytes(bytes: Buffer): void {
    this.note(`bytes ${bytes.toString('latin1')}`);
  }

  onEnd(): void {
    this.note('end');
  }

  onDrain(): void {
    this.note('drain');
  }

  onClose(error: Error | undefined): void {
    this.error = error;
    this.note('close');
  }

  wireClosed(): void {
    this.note('owner');
  }

  async until(line: string): Promise<void> {
    while (!this.lines.includes(line)) await once(this, 'line');
  }

  private note(line: string): void {
    this.lines.push(line);
    this.emit('line');
  }
}

/** Two ways to a transport, and two manners of it. */
const pairs: Readonly<Record<string, (t: Test) => Promise<Pair>>> = {
  'accepted, bare': acceptedPair,
  'dialled, bare': dialledPair,
  'accepted, plain': t => plainly(t, acceptedPair),
  'dialled, plain': t => plainly(t, dialledPair),
};

for (const [kind, pair] of Object.entries(pairs)) {
  t.test(`a transport: ${kind}`, async t => {
    const wired = async (t: Test): Promise<{ wire: Wire; diary: Diary; far: RawClient }> => {
      const { transport, far } = await pair(t);
      const diary = new Diary();
      return { wire: new Wire(transport, diary, diary), diary, far };
    };

    t.test('the reader hears bytes, the end and the close, and the owner last', async t => {
      const { wire, diary, far } = await wired(t);
      far.send('hello');
      await diary.until('bytes hello');
      far.socket.end();
      await diary.until('end');
      t.ok(wire.ended, 'the wire knows that nothing more comes');
      t.notOk(wire.usable, 'one direction is not enough');
      wire.end();
      await diary.until('owner');
      t.same(diary.lines, ['bytes hello', 'end', 'close', 'owner']);
      t.equal(diary.error, undefined);
      t.ok(wire.destroyed);
    });

    t.test('a reset is an error that the reader is told of, and is no fault of ours', async t => {
      const { wire, diary, far } = await wired(t);
      far.send('x');
      await diary.until('bytes x');
      far.socket.resetAndDestroy();
      await diary.until('owner');
      t.match(diary.error, { code: 'ECONNRESET' });
      t.equal(wire.error, diary.error);
      t.notOk(isFault(wire.error));
    });

    t.test('our own destroy is no error, and the far side sees the end', async t => {
      const { wire, diary, far } = await wired(t);
      t.ok(wire.usable);
      wire.destroy();
      await diary.until('owner');
      t.same(diary.lines, ['close', 'owner']);
      t.equal(diary.error, undefined);
      await far.ended();
      t.equal(far.ending, 'fin');
    });

    t.test('our own reset is seen as one', async t => {
      const { wire, diary, far } = await wired(t);
      wire.write('half a ');
      await far.until('half a ');
      wire.reset();
      await far.ended();
      t.equal(far.ending, 'ECONNRESET');
      await diary.until('owner');
      t.equal(diary.error, undefined, 'to us it is an end like any other');
    });

    t.test('a reset does not wait for what is queued', async t => {
      const { wire, diary, far } = await wired(t);
      const [block = Buffer.alloc(0)] = content(1).blocks;
      far.socket.pause();
      while (!wire.congested) wire.write(block);
      wire.reset();
      await diary.until('owner');
      t.ok(wire.destroyed);
    });

    t.test('closing soon sends first what is queued', async t => {
      const { wire, diary, far } = await wired(t);
      const [block = Buffer.alloc(0)] = content(1).blocks;
      const sink = new Sink(far.socket);
      for (let i = 0; i < 4; i += 1) wire.write(block);
      wire.closeSoon();
      await diary.until('owner');
      await far.ended();
      t.equal(sink.bytes, 4 * block.length);
    });

    t.test('text goes out one byte per character', async t => {
      const { wire, far } = await wired(t);
      wire.write('\xe9\xff\r\n');
      t.equal(await far.until('\r\n'), '\xe9\xff\r\n');
    });

    t.test('a part of text or of bytes goes out alone, corked or not, small or large', async t => {
      const { wire, far } = await wired(t);
      const large = Buffer.from(Array.from({ length: 40_000 }, (_, index) => index % 251));
      const text = large.toString('latin1');
      const parts = [
        [3, 3],
        [0, 9],
        [3, 20],
        [3, 17_000],
        [30_000, 40_000],
        [0, 16_385],
      ] as const;
      let expected = '';
      for (const corked of [true, false]) {
        for (const source of [text, large]) {
          if (corked) wire.cork();
          for (const [from, to] of parts) {
            wire.writePart(source, from, to);
            wire.write('|');
            expected += `${text.slice(from, to)}|`;
          }
          if (corked) wire.uncork();
        }
      }
      await far.until(expected);
      t.equal(far.text, expected);
    });

    t.test('what is written while corked goes out in one piece', async t => {
      const { wire, far } = await wired(t);
      const pieces: number[] = [];
      far.socket.on('data', bytes => pieces.push(bytes.length));
      wire.cork();
      for (let i = 0; i < 100; i += 1) wire.write('x');
      wire.write('\n');
      wire.uncork();
      await far.until('\n');
      t.same(pieces, [101]);
    });

    t.test('a wire that is handed over speaks to its next reader', async t => {
      const { wire, diary, far } = await wired(t);
      const next = new Diary();
      far.send('one');
      await diary.until('bytes one');
      wire.reader = next;
      far.send('two');
      await next.until('bytes two');
      wire.reader = DEAF;
      far.send('three');
      far.socket.end();
      wire.destroy();
      await diary.until('owner');
      t.same(diary.lines, ['bytes one', 'owner'], 'the owner stays');
      t.same(next.lines, ['bytes two']);
    });

    t.test('a paused wire holds its bytes back until it is resumed', async t => {
      const { wire, diary, far } = await wired(t);
      wire.pause();
      wire.pause();
      far.send('waiting');
      await standstill(() => diary.lines.length);
      t.same(diary.lines, []);
      wire.resume();
      wire.resume();
      await diary.until('bytes waiting');
    });

    t.test('a wire is congested while the system does not take its bytes, and then drains', async t => {
      const { wire, diary, far } = await wired(t);
      t.notOk(wire.congested);
      far.socket.pause();
      const [block = Buffer.alloc(0)] = content(1).blocks;
      while (!wire.congested) wire.write(block);
      t.ok(wire.queued);
      far.socket.resume();
      await diary.until('drain');
      t.notOk(wire.congested);
      t.notOk(wire.queued);
    });

    t.test('a corked queue that the system takes at once is not congested', async t => {
      const { wire } = await wired(t);
      wire.cork();
      wire.write(Buffer.alloc(100_000));
      wire.uncork();
      t.notOk(wire.congested);
    });

    for (const method of ['onBytes', 'onEnd', 'onDrain'] as const) {
      t.test(`an error thrown in ${method} destroys this wire and is told as a fault`, async t => {
        const { wire, diary, far } = await wired(t);
        diary[method] = () => {
          throw new Error(`mistake in ${method}`);
        };
        if (method === 'onBytes') far.send('x');
        else if (method === 'onEnd') far.socket.end();
        else wire.drained();
        await diary.until('owner');
        t.equal(diary.error?.message, `mistake in ${method}`);
        t.ok(isFault(diary.error));
      });
    }

    t.test('something thrown that is no error destroys the wire too', async t => {
      const { diary, far } = await wired(t);
      diary.onBytes = () => {
        throw 'a word';
      };
      far.send('x');
      await diary.until('owner');
      t.equal(diary.error?.message, 'a word');
    });

    t.test('a reader that throws in onClose does not keep the end from the owner', async t => {
      const { wire, diary } = await wired(t);
      diary.onClose = () => {
        throw new Error('mistake');
      };
      wire.destroy();
      await diary.until('owner');
      t.ok(isFault(wire.error));
    });

    t.test('an attempt that throws destroys the wire, one that does not leaves it', async t => {
      const { wire, diary } = await wired(t);
      wire.attempt(() => wire.write('fine'));
      t.notOk(wire.destroyed);
      wire.attempt(() => {
        throw new TypeError('mistake');
      });
      t.ok(wire.destroyed);
      await diary.until('owner');
      t.ok(isFault(diary.error));
    });
  });
}

for (const kind of ['dialled, bare', 'dialled, plain']) {
  t.test(`a transport whose write fails is read to its end first: ${kind}`, async t => {
    const { transport, far } = await (pairs[kind] ?? dialledPair)(t);
    const diary = new Diary();
    const wire = new Wire(transport, diary, diary);
    wire.pause();
    far.send('an early answer');
    far.socket.end();
    await turns(5);
    far.socket.destroy();
    await turns(5);
    // The far side is gone: the first write makes it say so, and the second fails.
    for (let i = 0; i < 3; i += 1) {
      wire.write('the rest of an upload');
      await turns(5);
    }
    t.notOk(wire.destroyed, 'while it is paused it waits');
    wire.resume();
    await diary.until('owner');
    t.same(diary.lines.at(0), 'bytes an early answer');
    t.match(diary.error, { code: 'EPIPE', syscall: 'write' });
  });
}
