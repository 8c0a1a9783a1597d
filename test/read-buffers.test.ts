/** Bulk buffers: a bounded number, and none is read into while its bytes wait to be sent. */
import t from 'tap';
import { BulkBuffers } from '../src/read-buffers.js';

t.test('there are 32, and then none', async t => {
  const buffers = new BulkBuffers();
  const taken = Array.from({ length: 32 }, () => buffers.take());
  t.equal(new Set(taken).size, 32);
  t.notOk(taken.includes(undefined));
  t.equal(buffers.take(), undefined);
  const [first] = taken;
  if (first === undefined) throw new Error('none');
  buffers.giveBack(first);
  t.equal(buffers.take(), first);
});

t.test('a buffer that waits somewhere comes back when it was sent, or never will be', t => {
  for (const ending of [
    { queued: false, destroyed: false },
    { queued: true, destroyed: true },
  ]) {
    const buffers = new BulkBuffers();
    const taken = Array.from({ length: 32 }, () => buffers.take());
    const [given] = taken;
    if (given === undefined) throw new Error('none');
    const target = { queued: true, destroyed: false };
    buffers.giveBack(given, [target]);
    t.equal(buffers.take(), undefined, 'not while it waits');
    Object.assign(target, ending);
    t.equal(buffers.take(), given);
  }
  t.end();
});
