import t from 'tap';
import { ResponseReader } from '../../../bench/load/response-reader.js';

const TEXT = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nusher';

t.test('a response is whole after its last byte, wherever it is cut, and the next may follow', async t => {
  const bytes = Buffer.from(TEXT);
  const reader = new ResponseReader();
  for (let cut = 1; cut < bytes.length; cut += 1) {
    if (reader.take(bytes.subarray(0, cut)) !== 'more') t.fail(`whole after ${cut} bytes`);
    if (reader.take(bytes.subarray(cut)) !== 'done' || !reader.is('usher')) t.fail(`wrong when cut after ${cut} bytes`);
  }
  t.pass('all cuts tried');
});

t.test('what is no such response is bad', async t => {
  const cases = [
    { name: 'no length', text: 'HTTP/1.1 200 OK\r\n\r\n' },
    { name: 'more than one', text: `${TEXT}H` },
    { name: 'another protocol', text: 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n' },
  ];
  for (const { name, text } of cases) t.equal(new ResponseReader().take(Buffer.from(text)), 'bad', name);
});

t.test('only a 200 with just the body is right', async t => {
  const reader = new ResponseReader();
  t.equal(reader.take(Buffer.from(TEXT.replace('200 OK', '502 Bad Gateway'))), 'done');
  t.notOk(reader.is('usher'));
  t.equal(reader.take(Buffer.from(TEXT)), 'done');
  t.notOk(reader.is('ushe'));
});
