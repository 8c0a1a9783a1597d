import t from 'tap';
import { causes, codes } from '../../src/codes.js';
import { replyText, statusOf } from '../../src/http/reply.js';
import { scanResponseHead } from '../../src/http/response-head.js';
import { bytesOf } from './cuts.js';

const LIMITS = { startLineBytes: 200, headBytes: 1000, headFields: 10 };

t.test('every code has an answer that is one well-formed response', async t => {
  for (const code of codes) {
    for (const close of [true, false]) {
      const text = replyText(code, close, false);
      const scan = scanResponseHead(bytesOf(text), LIMITS);
      if (scan.kind !== 'head') {
        t.fail(`${code}: ${scan.kind}`);
        continue;
      }
      const body = text.slice(scan.length);
      const { status, reason, declared, persistent } = scan.head;
      t.match({ status, declared, persistent }, { status: statusOf(code), persistent: !close }, code);
      t.strictSame(declared, { kind: 'length', length: body.length }, `${code}: the length of its body`);
      t.match(reason, /^[A-Z][A-Za-z ]+$/, `${code}: ${reason}`);
      t.equal(body, `${status} ${code}: ${causes[code].text}\n`);
    }
  }
});

t.test('a reason stands behind every status of the table', async t => {
  for (const code of codes) t.notMatch(replyText(code, true, false), /^HTTP\/1\.1 \d+ undefined\r\n/, code);
});

t.test('a code without a status would be answered with 500', async t => {
  t.equal(statusOf('header-crc'), 500);
  t.equal(statusOf('target-invalid'), 400);
});

t.test('the answer to HEAD has the head alone (RFC 9110 9.3.2)', async t => {
  const whole = replyText('route-missing', false, false);
  const head = replyText('route-missing', false, true);
  t.equal(
    head.slice(head.indexOf('Content-Type')),
    whole.slice(whole.indexOf('Content-Type'), whole.indexOf('404 route')),
  );
  t.match(head, /\r\n\r\n$/);
});
