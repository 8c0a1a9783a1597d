/** What is added to a response, and what is learnt from it. */
import t from 'tap';
import { cookieText, sessionWatch } from '../../src/http/affinity-response.js';
import { scanRequestHead } from '../../src/http/request-head.js';
import { scanResponseHead } from '../../src/http/response-head.js';
import { bytesOf } from './cuts.js';

const LIMITS = { startLineBytes: 200, headBytes: 400, headFields: 8 };
const SOCKET_IO = { kind: 'socket.io', path: '/socket.io/' } as const;

function learntFrom(content: string, lines: string, status = 200, affinity = SOCKET_IO): string[] {
  const request = scanRequestHead(bytesOf('GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\n\r\n'), LIMITS);
  const response = scanResponseHead(bytesOf(`HTTP/1.1 ${status} OK\r\n${lines}\r\n`), LIMITS);
  if (request.kind !== 'head' || response.kind !== 'head') throw new Error('not understood');
  const learnt: string[] = [];
  const lease = { learn: (id: string, ms: number) => learnt.push(`${id} ${ms}`) };
  sessionWatch(lease, affinity, request.head, response.head)?.(Buffer.from(content));
  return learnt;
}

const OPEN = '0{"sid":"abc","pingInterval":25000,"pingTimeout":20000}';

t.test('a handshake teaches its session, unless it is compressed or no success', async t => {
  t.same(learntFrom(OPEN, ''), ['abc 45000']);
  t.same(learntFrom(OPEN, 'Content-Encoding: gzip\r\n'), []);
  t.same(learntFrom(OPEN, '', 400), []);
  t.same(learntFrom('ok', ''), []);
});

t.test('only an affinity by cookie sets one, and only when the client needs it', async t => {
  const affinity = { kind: 'cookie', name: 'seat', secret: undefined } as const;
  t.match(cookieText({ cookie: 'x' }, affinity, { secure: false }), /^Set-Cookie: seat=x; Path=\/; HttpOnly; /);
  t.equal(cookieText({ cookie: undefined }, affinity, { secure: false }), '');
  t.equal(cookieText({ cookie: 'x' }, SOCKET_IO, { secure: false }), '');
  t.equal(cookieText(undefined, affinity, { secure: false }), '');
});
