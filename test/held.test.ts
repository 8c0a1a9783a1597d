import t from 'tap';
import { Held } from '../src/held.js';

t.test('kept bytes come out in order, however they were put in and taken out', async t => {
  const held = new Held();
  let model = Buffer.alloc(0);
  let next = 0;
  for (let round = 0; round < 400; round += 1) {
    const piece = Uint8Array.from({ length: (round * 7) % 97 }, () => next++ & 0xff);
    held.append(Buffer.from(piece));
    model = Buffer.concat([model, piece]);
    const count = Math.min(model.length, (round * 13) % 101);
    held.consume(count);
    model = model.subarray(count);
    if (held.size !== model.length || !held.bytes.equals(model)) t.fail(`round ${round}`);
  }
  t.equal(held.size, model.length);
});

t.test('it copies what it is lent', async t => {
  const held = new Held();
  const lent = Buffer.from('abc');
  held.append(lent);
  lent.fill(0);
  t.equal(held.bytes.toString(), 'abc');
});

t.test('empty it holds no memory', async t => {
  const held = new Held();
  t.equal(held.size, 0);
  t.equal(held.bytes.buffer.byteLength, 0);
  held.append(Buffer.alloc(1000));
  t.ok(held.bytes.buffer.byteLength >= 1000);
  held.consume(1000);
  t.equal(held.size, 0);
  t.equal(held.bytes.buffer.byteLength, 0, 'after the last byte was consumed');
  held.append(Buffer.alloc(10));
  held.clear();
  t.equal(held.bytes.buffer.byteLength, 0, 'after clear');
  held.append(Buffer.alloc(0));
  t.equal(held.size, 0);
  held.consume(0);
  t.equal(held.size, 0);
});

t.test('a view that was taken stays as it was after clear', async t => {
  const held = new Held();
  held.append(Buffer.from('rest'));
  const rest = held.bytes;
  held.clear();
  held.append(Buffer.from('next'));
  t.equal(rest.toString(), 'rest');
});

t.test('single bytes cost linear time: the store grows by doubling', async t => {
  const held = new Held();
  const stores = new Set<ArrayBufferLike>();
  for (let count = 0; count < 100_000; count += 1) {
    held.append(Buffer.from([count & 0xff]));
    stores.add(held.bytes.buffer);
  }
  t.equal(held.size, 100_000);
  t.ok(stores.size < 20, `${stores.size} stores`);
});

t.test('what was consumed makes room: a steady flow does not grow', async t => {
  const held = new Held();
  for (let count = 0; count < 10_000; count += 1) {
    held.append(Buffer.alloc(100));
    if (count > 0) held.consume(100);
  }
  t.equal(held.size, 100);
  t.ok(held.bytes.buffer.byteLength <= 1024, `${held.bytes.buffer.byteLength} bytes`);
});
