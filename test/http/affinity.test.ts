import fc from 'fast-check';
import t from 'tap';
import { canonicalAddress, parseCidr } from '../../src/address.js';
import {
  askFor,
  clientKey,
  cookieNameFault,
  opensSession,
  pathPatternFault,
  setCookieText,
} from '../../src/http/affinity.js';
import { type RequestHead, scanRequestHead } from '../../src/http/request-head.js';
import type { AffinitySettings } from '../../src/settings.js';
import { keptBy } from '../support/heap.js';

const LIMITS = { startLineBytes: 8192, headBytes: 16_384, headFields: 100 };
const CLIENT = '192.0.2.7';
const SOCKET_IO: AffinitySettings = { kind: 'socket.io', path: '/socket.io/' };
const COOKIE: AffinitySettings = { kind: 'cookie', name: 'usher', secret: undefined };
const ROOM: AffinitySettings = { kind: 'path', pattern: '/room/:id' };

/** The head of a request as the engine reads it. */
function headOf(target: string, fields: readonly string[] = [], method = 'GET'): RequestHead {
  const text = [`${method} ${target} HTTP/1.1`, 'Host: chat.example', ...fields, '', ''].join('\r\n');
  const scan = scanRequestHead(Buffer.from(text, 'latin1'), LIMITS);
  if (scan.kind !== 'head') throw new Error(`not a request: ${JSON.stringify(text)}`);
  return scan.head;
}

function keyOf(affinity: AffinitySettings, target: string, fields: readonly string[] = []): string | undefined {
  return askFor(affinity, headOf(target, fields), CLIENT).key;
}

function sessionOf(affinity: AffinitySettings, target: string, fields: readonly string[] = []): string | undefined {
  return askFor(affinity, headOf(target, fields), CLIENT).session;
}

t.test('without affinity a request asks for nothing', async t => {
  const ask = askFor(undefined, headOf('/?sid=a', ['Cookie: usher=a']), CLIENT);
  t.strictSame(ask, { client: CLIENT, key: undefined, session: undefined });
});

t.test('the key of a client is its address, of an IPv6 client its /64', async t => {
  const cases: readonly (readonly [client: string, key: string])[] = [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8:1:0:3:4:5:6', '2001:db8:1::/64'],
    ['2001:db8:1::6', '2001:db8:1::/64'],
    ['2001:0:0:2::1', '2001:0:0:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
    ['::1', '::/64'],
    ['fe80::1', 'fe80::/64'],
    ['not:an:address', 'not:an:address'],
  ];
  for (const [client, key] of cases) {
    t.equal(clientKey(client), key, client);
    t.strictSame(askFor({ kind: 'client-ip' }, headOf('/'), client), { client, key, session: undefined });
  }
});

t.test('header: the first value that says something is the key', async t => {
  const affinity: AffinitySettings = { kind: 'header', name: 'x-room' };
  t.equal(keyOf(affinity, '/', ['X-ROOM:  seven ']), 'header:seven');
  t.equal(keyOf(affinity, '/', ['X-Room: 7', 'x-room: 8']), 'header:7');
  t.equal(keyOf(affinity, '/', ['X-Room:', 'x-room: 8']), 'header:8');
  t.equal(keyOf(affinity, '/', ['X-Room:']), CLIENT);
  t.equal(keyOf(affinity, '/', ['X-Rooms: 7']), CLIENT);
  t.equal(keyOf({ kind: 'header', name: 'host' }, '/'), 'header:chat.example');
});

t.test('header: a name that only usher may speak is no key, because anybody could write it', async t => {
  t.equal(keyOf({ kind: 'header', name: 'x-forwarded-for' }, '/', ['X-Forwarded-For: 203.0.113.1']), CLIENT);
});

t.test('query: the first value that says something is the key, in any spelling', async t => {
  const affinity: AffinitySettings = { kind: 'query', name: 'the room' };
  const same = ['the+room=a+b', 'the%20room=a%20b', 'the+room=a%20b&x=1', 'x=1&the+room=a+b', '&&the+room=%61+b'];
  for (const query of same) t.equal(keyOf(affinity, `/?${query}`), 'query:a b', query);
  const cases: readonly (readonly [target: string, key: string])[] = [
    ['/?room=1&room=2', 'query:1'],
    ['/?room=&room=2', 'query:2'],
    ['/?room=a=b', 'query:a=b'],
    ['/?room=a?b', 'query:a?b'],
    ['/?room=%C3%A9', 'query:é'],
    ['/?room=%', 'query:%'],
    ['/?room=%C3', 'query:%C3'],
    ['/?room=100%+sure', 'query:100% sure'],
    ['/?room', CLIENT],
    ['/?room=', CLIENT],
    ['/?=room', CLIENT],
    ['/?Room=1', CLIENT],
    ['/?xroom=1', CLIENT],
    ['/?', CLIENT],
    ['/room=1', CLIENT],
  ];
  for (const [target, key] of cases) t.equal(keyOf({ kind: 'query', name: 'room' }, target), key, target);
});

t.test('path: the named segments are the key', async t => {
  const cases: readonly (readonly [target: string, key: string])[] = [
    ['/room/7', 'path:7'],
    ['/room/7/', 'path:7'],
    ['/room/7/messages', 'path:7'],
    ['/room/7?x=/y', 'path:7'],
    ['/%72oom/%37', 'path:7'],
    ['/room/a+b', 'path:a+b'],
    ['/room/%E0%A4%A', 'path:%E0%A4%A'],
    ['/room/%', 'path:%'],
    ['/room/:id', 'path::id'],
    ['/room/', CLIENT],
    ['/room//7', CLIENT],
    ['//room/7', CLIENT],
    ['/room', CLIENT],
    ['/Room/7', CLIENT],
    ['/rooms/7', CLIENT],
    ['/x/room/7', CLIENT],
    ['/?/room/7', CLIENT],
    ['/', CLIENT],
  ];
  for (const [target, key] of cases) t.equal(keyOf(ROOM, target), key, target);
  const two: AffinitySettings = { kind: 'path', pattern: '/:team/room/:id/chat' };
  t.equal(keyOf(two, '/red/room/7/chat'), 'path:red/7');
  t.equal(keyOf(two, '/red/room/7/chat/x'), 'path:red/7');
  t.equal(keyOf(two, '/red/room/7'), CLIENT);
  t.equal(keyOf({ kind: 'path', pattern: '/:any' }, '/x/y'), 'path:x');
});

t.test('path: `*` is no path', async t => {
  t.equal(askFor(ROOM, headOf('*', [], 'OPTIONS'), CLIENT).key, CLIENT);
});

t.test('a long key is hashed', async t => {
  const affinity: AffinitySettings = { kind: 'header', name: 'x-room' };
  t.equal(keyOf(affinity, '/', [`X-Room: ${'a'.repeat(256)}`]), `header:${'a'.repeat(256)}`);
  const long = keyOf(affinity, '/', [`X-Room: ${'a'.repeat(257)}`]) ?? '';
  t.match(long, /^header:[A-Za-z0-9_-]{43}$/);
  t.equal(keyOf(affinity, '/', [`X-Room: ${'a'.repeat(257)}`]), long);
  t.not(keyOf(affinity, '/', [`X-Room: ${'a'.repeat(258)}`]), long);
});

t.test('cookie: its value names the session, and the client is the key', async t => {
  const cases: readonly (readonly [fields: readonly string[], session: string | undefined])[] = [
    [['Cookie: usher=abc_-9'], 'abc_-9'],
    [['cookie: a=1; usher=abc; b=2'], 'abc'],
    [['Cookie: a=1;usher=abc;b=2'], 'abc'],
    [['Cookie: a=1', 'Cookie: usher=abc'], 'abc'],
    [['Cookie: usher = abc '], 'abc'],
    [['Cookie: usher=abc; usher=def'], 'abc def'],
    [['Cookie: usher=a; x=1; usher=b', 'Cookie: usher=c; usher=d e; usher=f; usher=g'], 'a b c f'],
    [['Cookie: usher="abc"; usher=def'], 'def'],
    [['Cookie: usher; usher=; usher=def'], 'def'],
    [['Cookie: =abc; ; ;=; usher=abc'], 'abc'],
    [[`Cookie: usher=${'a'.repeat(64)}`], 'a'.repeat(64)],
    [[`Cookie: usher=${'a'.repeat(65)}`], undefined],
    [['Cookie: usher=a=b'], undefined],
    [['Cookie: usher=a b'], undefined],
    [['Cookie: usher=10.0.0.1:3000'], undefined],
    [['Cookie: Usher=abc'], undefined],
    [['Cookie: xusher=abc'], undefined],
    [['Cookie: usher'], undefined],
    [['Cookie:'], undefined],
    [['X-Cookie: usher=abc'], undefined],
    [[], undefined],
  ];
  for (const [fields, session] of cases) {
    t.equal(sessionOf(COOKIE, '/', fields), session, fields.join());
    t.equal(keyOf(COOKIE, '/', fields), CLIENT);
  }
});

t.test('socket.io: the sid names the session, on its path only, and the client is the key', async t => {
  const cases: readonly (readonly [target: string, session: string | undefined])[] = [
    ['/socket.io/?EIO=4&transport=polling&sid=lv_VI97HAXpY6yYWAAAC', 'lv_VI97HAXpY6yYWAAAC'],
    ['/socket.io/?sid=a', 'a'],
    ['/socket.io?sid=a', 'a'],
    ['/socket.io/x?sid=a', 'a'],
    ['/socket.io/?sid=%61', 'a'],
    ['/socket.io/?sid=', undefined],
    ['/socket.io/?sid=a.b', undefined],
    [`/socket.io/?sid=${'a'.repeat(65)}`, undefined],
    ['/socket.io/', undefined],
    ['/socket.iox/?sid=a', undefined],
    ['/?sid=a', undefined],
    ['/?/socket.io/&sid=a', undefined],
  ];
  for (const [target, session] of cases) {
    t.equal(sessionOf(SOCKET_IO, target), session, target);
    t.equal(keyOf(SOCKET_IO, target), CLIENT);
  }
  t.equal(sessionOf({ kind: 'socket.io', path: '/chat' }, '/chat/?sid=a'), 'a');
  t.equal(sessionOf({ kind: 'socket.io', path: '/' }, '/x?sid=a'), 'a');
});

t.test("socket.io: a session that a table keeps doesn't keep the head that named it", async t => {
  const fields = [`Cookie: ${'c'.repeat(10_000)}`];
  const each = await keptBy(3_000, index => sessionOf(SOCKET_IO, `/socket.io/?sid=lv_VI97HAXpY6yYWA${index}`, fields));
  t.ok(each < 1_000, `${each} bytes each`);
});

t.test('socket.io: a GET without sid on its path may open a session', async t => {
  const opens = (target: string, fields: readonly string[] = [], method = 'GET') =>
    opensSession(SOCKET_IO, headOf(target, fields, method));
  t.equal(opens('/socket.io/?EIO=4&transport=polling'), true);
  t.equal(opens('/socket.io/?EIO=4&sid='), true, 'an empty sid is none to Engine.IO');
  t.equal(opens('/socket.io/?EIO=4&sid=a'), false);
  t.equal(opens('/other/?EIO=4'), false);
  t.equal(opens('/socket.io/?EIO=4', ['Content-Length: 0'], 'POST'), false);
  const websocket = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  t.equal(opens('/socket.io/?EIO=4&transport=websocket', websocket), false);
  t.equal(opensSession({ kind: 'client-ip' }, headOf('/socket.io/')), false);
  t.equal(opensSession(undefined, headOf('/socket.io/')), false);
});

t.test('the cookie is out of reach of scripts, and of other sites unless it is Secure', async t => {
  t.equal(setCookieText('usher', 'abc', false), 'Set-Cookie: usher=abc; Path=/; HttpOnly; SameSite=Lax\r\n');
  t.equal(
    setCookieText('usher', 'abc', true),
    'Set-Cookie: usher=abc; Path=/; HttpOnly; SameSite=None; Secure; Partitioned\r\n',
  );
});

t.test('a cookie needs a name that every browser takes', async t => {
  for (const name of ['usher', 'a', 'X-_.~!', '__usher', 'a'.repeat(128)]) t.equal(cookieNameFault(name), undefined);
  for (const name of ['', 'a b', 'a=b', 'a;b', 'a"b', 'é', 'a\r\nb'])
    t.match(cookieNameFault(name), /not a cookie name/);
  t.match(cookieNameFault('a'.repeat(129)), /longer than 128/);
  for (const name of ['__Host-usher', '__secure-usher', '__Http-usher', '__Host-Http-usher'])
    t.match(cookieNameFault(name), /Secure/, name);
});

t.test('a path pattern has plain segments and at least one name', async t => {
  for (const pattern of ['/room/:id', '/:any', '/a/:b/c', '/v1.0/~x/:_id/:b2']) {
    t.equal(pathPatternFault(pattern), undefined, pattern);
  }
  const cases: readonly (readonly [pattern: string, says: RegExp])[] = [
    ['', /begin with/],
    ['room/:id', /begin with/],
    ['/', /empty segment/],
    ['/room/:id/', /empty segment/],
    ['/room//:id', /empty segment/],
    ['/room/:', /colon: :$/],
    ['/room/:1', /colon: :1$/],
    ['/room/:id?', /colon: :id\?$/],
    ['/room/x:id', /colon: x:id$/],
    ['/r%6fom/:id', /colon: r%6fom$/],
    ['/room/*', /colon: \*$/],
    ['/room', /names no segment/],
  ];
  for (const [pattern, says] of cases) t.match(pathPatternFault(pattern), says, pattern);
});

const KINDS: readonly AffinitySettings[] = [
  { kind: 'client-ip' },
  { kind: 'header', name: 'x-room' },
  { kind: 'query', name: 'sid' },
  COOKIE,
  ROOM,
  SOCKET_IO,
];
const runs = { seed: 20_261_123, numRuns: 2_000 };
const fieldText = fc.string({
  unit: fc
    .integer({ min: 0x20, max: 0xff })
    .filter(code => code !== 0x7f)
    .map(code => String.fromCharCode(code)),
});
const queryText = fc.string({ unit: fc.constantFrom('s', 'i', 'd', '=', '&', '?', '/', '%', '6', '1', '+', 'a') });

t.test('whatever a client sends, it asks for something bounded', async () => {
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), queryText, fieldText, (affinity, query, value) => {
      const path = query.length % 2 === 0 ? '/room/' : '/socket.io/?sid=';
      const head = headOf(`${path}${query}`, [`X-Room: ${value}`, `Cookie: usher=${value}`]);
      const { key = '', session = 'x' } = askFor(affinity, head, CLIENT);
      return key !== '' && key.length <= 300 && /^[A-Za-z0-9_-]{1,64}$/.test(session);
    }),
    runs,
  );
});

t.test('the key of an IPv6 client is the text of its /64', async () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  const address = fc
    .array(group, { minLength: 8, maxLength: 8 })
    .map(groups => canonicalAddress(groups.map(value => value.toString(16)).join(':')) ?? '')
    .filter(text => text.includes(':'));
  fc.assert(
    fc.property(address, client => clientKey(client) === parseCidr(`${client}/64`)?.text),
    runs,
  );
});

t.test('spellings of one value share a key', async () => {
  const affinity: AffinitySettings = { kind: 'query', name: 'room' };
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), value => {
      const escaped = Array.from(Buffer.from(value), byte => `%${byte.toString(16).padStart(2, '0')}`).join('');
      const spelt = encodeURIComponent(value).replaceAll('%20', '+');
      return keyOf(affinity, `/?room=${escaped}`) === keyOf(affinity, `/?x&room=${spelt}`);
    }),
    runs,
  );
});
