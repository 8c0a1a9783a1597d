/** Where frames end, against streams whose ends are known, whole and cut at every offset. */
import fc from 'fast-check';
import t from 'tap';
import { FrameScanner, type Stop } from '../../src/tunnel/frames.js';

interface FrameShape {
  readonly opcode: number;
  readonly fin: boolean;
  readonly masked: boolean;
  readonly length: number;
  /** Reserved bits, as compression sets them. */
  readonly reserved?: number;
}

/** A frame with a payload of bytes that look like headers. */
function frame({ opcode, fin, masked, length, reserved = 0 }: FrameShape): Buffer {
  const mask = masked ? 0x80 : 0;
  const first = (fin ? 0x80 : 0) | reserved | opcode;
  const head =
    length < 126
      ? [first, mask | length]
      : length < 65_536
        ? [first, mask | 126, length >> 8, length & 0xff]
        : [first, mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(masked ? 4 : 0, 0x81), Buffer.alloc(length, 0x88)]);
}

const TEXT = 1;
const CONTINUATION = 0;
const CLOSE = 8;
const PING = 9;

interface Stream {
  readonly bytes: Buffer;
  /** Offsets behind frames, and behind messages and the control frames between them. */
  readonly frameEnds: readonly number[];
  readonly messageEnds: readonly number[];
}

function stream(shapes: readonly FrameShape[]): Stream {
  const frameEnds: number[] = [];
  const messageEnds: number[] = [];
  let at = 0;
  let inMessage = false;
  const frames = shapes.map(shape => {
    const bytes = frame(shape);
    at += bytes.length;
    frameEnds.push(at);
    if (shape.opcode < CLOSE) inMessage = !shape.fin;
    if (!inMessage) messageEnds.push(at);
    return bytes;
  });
  return { bytes: Buffer.concat(frames), frameEnds, messageEnds };
}

const shape = (changes: Partial<FrameShape>): FrameShape => ({
  opcode: TEXT,
  fin: true,
  masked: false,
  length: 3,
  ...changes,
});

const FRAGMENTED = [
  shape({ fin: false, length: 0 }),
  shape({ opcode: PING, length: 5 }),
  shape({ opcode: CONTINUATION, fin: false, length: 125, masked: true }),
  shape({ opcode: PING, length: 0 }),
  shape({ opcode: CONTINUATION, length: 126 }),
];

const streams: readonly { readonly name: string; readonly shapes: readonly FrameShape[] }[] = [
  { name: 'empty frames', shapes: [shape({ length: 0 }), shape({ length: 0, masked: true }), shape({ length: 0 })] },
  { name: 'small frames', shapes: [shape({}), shape({ masked: true }), shape({ length: 125 })] },
  { name: '16-bit lengths', shapes: [shape({ length: 126 }), shape({ length: 300, masked: true }), shape({})] },
  { name: '64-bit lengths', shapes: [shape({ length: 65_536, masked: true }), shape({ length: 70_000 }), shape({})] },
  { name: 'a fragmented message with control frames between', shapes: [...FRAGMENTED, shape({})] },
  { name: 'compressed frames', shapes: [shape({ reserved: 0x40, length: 50 }), shape({ opcode: 2, reserved: 0x40 })] },
];

/** Offsets at which a scanner stops, when it is given the bytes in these pieces. */
function stops(pieces: readonly Buffer[], stop: Stop): number[] {
  const scanner = new FrameScanner();
  const found: number[] = [];
  let before = 0;
  for (const piece of pieces) {
    let at = 0;
    while (at < piece.length) {
      at += scanner.scanTo(piece.subarray(at), stop);
      if (stop === 'frame' ? scanner.betweenFrames : scanner.betweenMessages) found.push(before + at);
    }
    before += piece.length;
  }
  return found;
}

for (const { name, shapes } of streams) {
  t.test(`${name}: every end is found, wherever the stream is cut`, async t => {
    const { bytes, frameEnds, messageEnds } = stream(shapes);
    t.same(stops([bytes], 'frame'), frameEnds);
    t.same(stops([bytes], 'message'), messageEnds);
    const step = Math.max(1, Math.floor(bytes.length / 3_000));
    for (let cut = 1; cut < bytes.length; cut += step) {
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
      if (String(stops(pieces, 'frame')) !== String(frameEnds)) t.fail(`frames, cut at ${cut}`);
      if (String(stops(pieces, 'message')) !== String(messageEnds)) t.fail(`messages, cut at ${cut}`);
    }
    t.same(
      stops(
        Array.from(bytes.subarray(0, 4_000), byte => Buffer.of(byte)),
        'frame',
      ),
      frameEnds.filter(end => end <= 4_000),
    );
  });
}

t.test('bytes that are skipped and bytes that are scanned lead to the same place', async t => {
  const shapes = fc.array(
    fc.record({
      opcode: fc.constantFrom(CONTINUATION, TEXT, 2, PING, 10),
      fin: fc.boolean(),
      masked: fc.boolean(),
      length: fc.oneof(fc.nat(130), fc.nat(70_000)),
    }),
    { minLength: 1, maxLength: 6 },
  );
  const check = fc.property(shapes, fc.array(fc.nat(5_000), { maxLength: 60 }), (list, sizes) => {
    const { bytes, frameEnds, messageEnds } = stream(list);
    const scanner = new FrameScanner();
    let at = 0;
    for (const size of [...sizes, bytes.length]) {
      const end = Math.min(bytes.length, at + size);
      scanner.skip(bytes.subarray(at, end));
      at = end;
      if (scanner.betweenFrames !== (at === 0 || frameEnds.includes(at))) return false;
      if (scanner.betweenMessages !== (at === 0 || messageEnds.includes(at))) return false;
    }
    return true;
  });
  fc.assert(check, { numRuns: 300 });
  t.pass('300 streams');
});

t.test('a Close frame is seen as soon as its header is, and no other frame is taken for one', async t => {
  const scanner = new FrameScanner();
  scanner.skip(stream([...FRAGMENTED, shape({ length: 500 })]).bytes);
  t.notOk(scanner.closing);
  const close = frame(shape({ opcode: CLOSE, length: 20, masked: true }));
  scanner.skip(close.subarray(0, 5));
  t.notOk(scanner.closing, 'its mask is not whole');
  scanner.skip(close.subarray(5, 6));
  t.ok(scanner.closing);
  t.notOk(scanner.betweenFrames);
  scanner.skip(close.subarray(6));
  t.ok(scanner.betweenFrames);
});

t.test('a length of 64 bits beyond all reason is no end for ever', async t => {
  const scanner = new FrameScanner();
  scanner.skip(Buffer.from([0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255]));
  scanner.skip(Buffer.alloc(1 << 20));
  t.notOk(scanner.betweenFrames);
});
