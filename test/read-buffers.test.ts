/** Bulk buffers: a bounded number, and none is read into while its bytes wait to be sent. */
import t from 'tap';
import { BulkBuffers } from '../src/read-buffers.js';
import { content } from './support/flow.js';
import { socketPair } from './support/sockets.js';

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

t.test('a buffer that waits on a socket comes back when it was sent, or never will be', async t => {
  for (const ending of ['drain', 'close']) {
    const buffers = new BulkBuffers();
    const taken = Array.from({ length: 32 }, () => buffers.take());
    const [given] = taken;
    if (given === undefined) throw new Error('none');
    const { socket, far } = await socketPair(t);
    const [block = Buffer.alloc(0)] = content(1).blocks;
    far.socket.pause();
    while (socket.writableLength === 0) socket.write(block);
    buffers.giveBack(given, [socket]);
    t.equal(buffers.take(), undefined, 'not while it waits');
    const over = new Promise(resolve => socket.once(ending, resolve));
    if (ending === 'drain') far.socket.resume();
    else socket.destroy();
    await over;
    t.equal(buffers.take(), given, ending);
  }
});
