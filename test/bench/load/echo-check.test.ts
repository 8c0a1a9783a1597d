import t from 'tap';
import { EchoCheck } from '../../../bench/load/echo-check.js';
import { frame } from '../../../bench/load/websocket.js';

t.test('echoes are counted wherever they are cut', async t => {
  const check = new EchoCheck(Buffer.from('abc'));
  const counts = ['a', 'bca', 'b', 'cabcab', 'c'].map(text => check.take(Buffer.from(text)));
  t.strictSame(counts, [0, 1, 0, 2, 1]);
  t.ok(check.right);
});

t.test('one wrong byte is noticed and not forgotten', async t => {
  const check = new EchoCheck(Buffer.from('abc'));
  check.take(Buffer.from('abd'));
  check.take(Buffer.from('abc'));
  t.notOk(check.right);
});

t.test('frames have the short or the long length, and a key when they are masked', async t => {
  t.strictSame(frame(Buffer.from('hi'), false), Buffer.from('82026869', 'hex'));
  t.strictSame(frame(Buffer.from('hi'), true), Buffer.from('8282000000006869', 'hex'));
  t.equal(frame(Buffer.alloc(126), false).subarray(0, 4).toString('hex'), '827e007e');
  t.equal(frame(Buffer.alloc(4096), true).length, 4096 + 8);
});
