/** The corridor up to the room: trust, the PROXY header and what ends a connection before its first request. */
import type http from 'node:http';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { parseCidr } from '../src/address.js';
import type { Code } from '../src/codes.js';
import {
  fromText,
  goodHeaders,
  MINIMAL_IPV4,
  NLB_HEALTH_CHECK,
  NLB_IPV4,
  PRIVATE_LINK,
  SIGNATURE,
  V1_TCP4,
  v2,
} from './fixtures/proxy-headers.js';
import { leftovers, NOTHING_LEFT } from './support/flow.js';
import { field, nextResponse, request, serveHttp, serveSpoken } from './support/http.js';
import type { ListenerChanges } from './support/settings.js';
import { connect, connectFrom, converse, HEADER, sendPieces, serve } from './support/sockets.js';
import { type RunningUsher, startUsherBefore } from './support/usher.js';

const GET = request('/whoami');
const CLOSE_GET = request('/whoami', ['Connection: close']);

/** Answers with what it was told of the client. */
const whoami: http.RequestListener = (req, res) => res.end(`${req.headers['x-forwarded-for']}`);

async function startWhoami(t: Test, changes: ListenerChanges = {}): Promise<RunningUsher> {
  const { port } = await serveHttp(t, whoami);
  return startUsherBefore(t, port, changes);
}

const cidrs = (...texts: string[]) => texts.flatMap(text => parseCidr(text) ?? []);
const joined = (...parts: (string | Uint8Array)[]) =>
  Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));

t.test('every good header names its client, and the request behind it is served', async t => {
  const usher = await startWhoami(t);
  for (const { name, bytes, header } of goodHeaders) {
    const expected = header.source?.address ?? '127.0.0.1';
    const client = await connect(t, usher.port, joined(bytes, GET));
    t.equal((await nextResponse(client)).body.toString(), expected, name);
    t.equal(usher.seen.headers.at(-1), `v${header.version} ${header.command} ${expected}`, name);
    client.socket.destroy();
  }
  await usher.seen.atRest();
  t.same(usher.seen.codes, [], 'nothing was refused');
});

t.test('a header that comes byte by byte is read like a whole one', async t => {
  const usher = await startWhoami(t);
  for (const { name, bytes, header } of [V1_TCP4, PRIVATE_LINK, NLB_HEALTH_CHECK]) {
    const client = await connect(t, usher.port);
    await sendPieces(
      client,
      [...joined(bytes, 'GET')].map(byte => Uint8Array.of(byte)),
    );
    client.send(GET.slice(3));
    t.equal((await nextResponse(client)).body.toString(), header.source?.address ?? '127.0.0.1', name);
    client.socket.destroy();
  }
});

t.test('a header may be cut anywhere, with the request behind it', async t => {
  const usher = await startWhoami(t);
  for (const { name, bytes, header } of [V1_TCP4, NLB_IPV4]) {
    const all = joined(bytes, GET);
    const cuts = Array.from({ length: bytes.length + 3 }, (_, index) => index + 1);
    const bodies = await Promise.all(
      cuts.map(async cut => {
        const client = await connect(t, usher.port);
        await sendPieces(client, [all.subarray(0, cut), all.subarray(cut)]);
        const { body } = await nextResponse(client);
        client.socket.destroy();
        return body.toString();
      }),
    );
    t.same(new Set(bodies), new Set([header.source?.address]), name);
    t.equal(bodies.length, bytes.length + 3);
  }
});

/** One for each way to be bad; `test/proxy-header` has all of them. */
const bad: readonly { readonly name: string; readonly bytes: Uint8Array; readonly code: Code }[] = [
  { name: 'no header', bytes: fromText('GET /'), code: 'header-missing' },
  { name: 'a v1 address that is none', bytes: fromText('PROXY TCP4 999.0.0.1'), code: 'header-malformed' },
  { name: 'a line of 108 bytes', bytes: fromText(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`), code: 'header-too-long' },
  { name: 'version 3', bytes: v2(0x31, 0x11, new Uint8Array(12)), code: 'header-version' },
  { name: 'command 2', bytes: v2(0x22, 0x11, new Uint8Array(12)), code: 'header-command' },
  { name: 'family 4', bytes: v2(0x21, 0x41, new Uint8Array(12)), code: 'header-family' },
  { name: 'a block that is too short', bytes: v2(0x21, 0x21, new Uint8Array(12)), code: 'header-length' },
  { name: 'a TLV that overruns', bytes: v2(0x21, 0x11, new Uint8Array(14)), code: 'header-tlv' },
  {
    name: 'a wrong checksum',
    bytes: PRIVATE_LINK.bytes.map((byte, at) => (at === 20 ? byte ^ 1 : byte)),
    code: 'header-crc',
  },
];

t.test('every bad header is refused with its code, and no byte behind it reaches the backend', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  for (const { name, bytes, code } of bad) {
    t.equal(await converse(t, usher.port, joined(bytes, GET)), '', `${name}: nothing is answered`);
    await usher.seen.atRest();
    t.equal(usher.seen.codes.at(-1), code, name);
  }
  t.equal(usher.seen.refusals.length, bad.length, 'each was counted once');
  t.same(usher.seen.probes, [], 'none was taken for a probe');
  t.equal(backend.connections.length, 0);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('a bad header is refused with the byte that makes it bad, not at the deadline', async t => {
  const usher = await startWhoami(t);
  const cases: readonly { bytes: string | Uint8Array; code: Code }[] = [
    { bytes: `PROXY UNKNOWN ${'x'.repeat(93)}`, code: 'header-too-long' },
    { bytes: 'PROXY TCP4 203.0.113.9 10.0.1.20 51234 443\n', code: 'header-malformed' },
    { bytes: 'PROXY TCP4 203.0.113.9 10.0.1.20 51234 443\rG', code: 'header-malformed' },
    { bytes: 'proxy', code: 'header-missing' },
    { bytes: 'PROXY TCP5', code: 'header-malformed' },
    { bytes: joined(SIGNATURE, '\x31'), code: 'header-version' },
    { bytes: joined(SIGNATURE, '\x22'), code: 'header-command' },
    { bytes: joined(SIGNATURE, '\x21\x11\xff\xff'), code: 'header-too-long' },
  ];
  for (const { bytes, code } of cases) {
    await converse(t, usher.port, bytes);
    await usher.seen.atRest();
    t.equal(usher.seen.codes.at(-1), code, JSON.stringify(`${bytes}`));
  }
});

t.test('a header that is longer than the listener allows is refused', async t => {
  const usher = await startWhoami(t, { limits: { proxyHeaderBytes: 99 } });
  await converse(t, usher.port, PRIVATE_LINK.bytes);
  await usher.seen.atRest();
  t.same(usher.seen.codes, ['header-too-long']);
  const client = await connect(t, usher.port, joined(MINIMAL_IPV4.bytes, GET));
  t.equal((await nextResponse(client)).body.toString(), '203.0.113.9', 'a shorter one is fine');
});

t.test('what came instead of a header is named', async t => {
  const usher = await startWhoami(t);
  const cases = [
    { bytes: GET, detail: 'http' },
    { bytes: '\x16\x03\x01\x02\x00\x01', detail: 'tls' },
    { bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', detail: 'http2' },
    { bytes: 'SSH-2.0-OpenSSH_9.9\r\n', detail: 'ssh' },
    { bytes: 'proxy tcp4 1.2.3.4 1.2.3.5 1 2\r\n', detail: 'proxy-v1' },
    { bytes: '\xde\xad\xbe\xef', detail: 'unknown' },
  ];
  for (const { bytes, detail } of cases) {
    t.equal(await converse(t, usher.port, bytes), '', 'nothing is answered');
    await usher.seen.atRest();
    t.same(usher.seen.refusals.at(-1), { code: 'header-missing', detail });
  }
});

t.test('the deadline for the header is one for all of it, and single bytes do not move it', async t => {
  const usher = await startWhoami(t, { timeouts: { proxyHeaderMs: 60 } });
  const client = await connect(t, usher.port);
  const bytes = joined(HEADER, GET);
  let sent = 0;
  while (client.ending === 'open' && sent < HEADER.length - 1) {
    const opened = usher.seen.closed;
    client.send(bytes.subarray(sent, sent + 1));
    sent += 1;
    const slow = new Promise(resolve => setTimeout(resolve, 20));
    await Promise.race([slow, usher.seen.until(() => usher.seen.closed > opened)]);
  }
  await usher.seen.atRest();
  t.same(usher.seen.codes, ['header-timeout']);
  t.ok(sent < HEADER.length - 1, 'it fired before the header was whole');
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('a header that stops in the middle ends at the deadline', async t => {
  const usher = await startWhoami(t, { timeouts: { proxyHeaderMs: 30 } });
  for (const part of ['P', HEADER.slice(0, -1), '\r', PRIVATE_LINK.bytes.subarray(0, 99)]) {
    t.equal(await converse(t, usher.port, part), '');
  }
  await usher.seen.atRest();
  t.same(usher.seen.codes, Array(4).fill('header-timeout'));
  t.same(usher.seen.probes, []);
});

t.test('a connection that ends inside its header is truncated', async t => {
  const usher = await startWhoami(t);
  for (const part of ['P', HEADER.slice(0, -1), '\r\n\r\n\0\r\nQUIT', PRIVATE_LINK.bytes.subarray(0, 99)]) {
    const client = await connect(t, usher.port, part);
    client.socket.end();
    t.equal(await client.ended(), '');
  }
  await usher.seen.atRest();
  t.same(usher.seen.codes, Array(4).fill('header-truncated'));
});

t.test('a reset inside the header is truncated too, once', async t => {
  const usher = await startWhoami(t);
  const client = await connect(t, usher.port);
  await sendPieces(client, [HEADER.slice(0, 20)]);
  client.socket.resetAndDestroy();
  await usher.seen.until(() => usher.seen.closed === 1);
  t.same(usher.seen.codes, ['header-truncated']);
  t.same(usher.seen.probes, []);
});

t.test('a connection without a byte is a probe and never refused', async t => {
  const usher = await startWhoami(t, { timeouts: { proxyHeaderMs: 30 } });
  const closing = await connect(t, usher.port);
  closing.socket.end();
  await usher.seen.until(() => usher.seen.closed === 1);
  const resetting = await connect(t, usher.port);
  resetting.socket.resetAndDestroy();
  await usher.seen.until(() => usher.seen.closed === 2);
  const waiting = await connect(t, usher.port);
  await waiting.ended();
  await usher.seen.until(() => usher.seen.closed === 3);
  t.same(usher.seen.probes, ['empty', 'empty', 'empty']);
  t.same(usher.seen.refusals, []);
  t.same(usher.seen.headers, [], 'no header was settled');
});

t.test('a header and nothing behind it is a probe too', async t => {
  const usher = await startWhoami(t);
  const client = await connect(t, usher.port, HEADER);
  client.socket.end();
  await client.ended();
  await usher.seen.atRest();
  t.same(usher.seen.probes, ['empty']);
  t.same(usher.seen.refusals, []);
});

t.test('behind the header its deadline is over, and that of the head counts', async t => {
  const usher = await startWhoami(t, { timeouts: { proxyHeaderMs: 20, requestHeadMs: 150 } });
  const client = await connect(t, usher.port, HEADER);
  await usher.seen.until(() => usher.seen.headers.length === 1);
  await client.ended();
  client.socket.end();
  await usher.seen.atRest();
  t.same(usher.seen.refusals, [], 'a silent client is closed without a word');
});

t.test('LOCAL and the self probe of a CLB are counted, and their requests are served', async t => {
  const usher = await startWhoami(t);
  const local = await connect(t, usher.port, joined(NLB_HEALTH_CHECK.bytes, CLOSE_GET));
  t.equal((await nextResponse(local)).body.toString(), '127.0.0.1', 'LOCAL: the peer is the client');
  local.socket.end();
  await usher.seen.atRest();
  const self = await connect(t, usher.port, `PROXY TCP4 10.0.0.4 10.0.0.4 4711 80\r\n${CLOSE_GET}`);
  t.equal((await nextResponse(self)).status, 200);
  self.socket.end();
  await usher.seen.atRest();
  t.same(usher.seen.probes, ['local', 'self']);
});

t.test('a LOCAL that says nothing more is one probe, not two', async t => {
  const usher = await startWhoami(t);
  const client = await connect(t, usher.port, NLB_HEALTH_CHECK.bytes);
  client.socket.end();
  await client.ended();
  await usher.seen.atRest();
  t.same(usher.seen.probes, ['local']);
});

t.test('a second header is payload, whatever the versions', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const forged = joined('PROXY TCP4 6.6.6.6 10.0.1.20 1 2\r\n', GET);
  for (const first of [fromText(HEADER), NLB_IPV4.bytes]) {
    for (const second of [forged, joined(MINIMAL_IPV4.bytes, GET)]) {
      t.match(await converse(t, usher.port, joined(first, second)), /^HTTP\/1\.1 400 /);
    }
  }
  t.equal(backend.connections.length, 0, 'the backend heard of none');
  t.notMatch(usher.seen.headers.join(), '6.6.6.6');
});

t.test('bytes behind a v2 header that look like a TLV are payload', async t => {
  const usher = await startWhoami(t);
  const text = await converse(t, usher.port, joined(MINIMAL_IPV4.bytes, '\x04\x00\x03abc', GET));
  t.match(text, /^HTTP\/1\.1 400 /);
});

t.test('a trusted source may name any client; another peer is refused before a byte is read', async t => {
  const usher = await startWhoami(t, { trustedSources: cidrs('127.0.0.2/32') });
  const trusted = await connectFrom(t, '127.0.0.2', usher.port);
  trusted.send(HEADER + GET);
  t.equal((await nextResponse(trusted)).body.toString(), '203.0.113.9');
  const stranger = await connectFrom(t, '127.0.0.3', usher.port);
  t.equal(await stranger.ended(), '', 'refused without having said a word');
  await usher.seen.until(() => usher.seen.closed === 1);
  t.same(usher.seen.codes, ['source-untrusted']);
  t.same(usher.seen.probes, []);
});

/** Connects and resets in another thread, and says when it has. */
const HASTY = `
  const { workerData: { port, done } } = require('node:worker_threads');
  const socket = require('node:net').connect(port, '127.0.0.1', () => socket.resetAndDestroy());
  socket.on('close', () => {
    Atomics.store(new Int32Array(done), 0, 1);
    Atomics.notify(new Int32Array(done), 0);
  });
`;

t.test('a peer that left before it was accepted has no address any more: a probe, nobody to refuse', async t => {
  const usher = await startWhoami(t);
  const done = new SharedArrayBuffer(4);
  const worker = new Worker(HASTY, { eval: true, workerData: { port: usher.port, done } });
  // As long as this thread waits, usher accepts nobody.
  Atomics.wait(new Int32Array(done), 0, 0);
  await usher.seen.until(() => usher.seen.closed === 1);
  t.same(usher.seen.refusals, []);
  t.same(usher.seen.probes, ['empty']);
  await worker.terminate();
});

t.test('without trusted sources every peer is believed', async t => {
  const usher = await startWhoami(t, { trustedSources: undefined });
  const client = await connectFrom(t, '127.0.0.3', usher.port);
  client.send(HEADER + GET);
  t.equal((await nextResponse(client)).body.toString(), '203.0.113.9');
});

t.test('a peer with an IPv6-mapped address is known by its IPv4 address', async t => {
  const { port } = await serveHttp(t, whoami);
  const listen = { host: '::', port: 0 };
  const usher = await startUsherBefore(t, port, { listen, trustedSources: cidrs('127.0.0.2/32') });
  const mapped = await connectFrom(t, '127.0.0.2', usher.port);
  mapped.send(`PROXY UNKNOWN\r\n${GET}`);
  t.equal((await nextResponse(mapped)).body.toString(), '127.0.0.2');
  const stranger = await connectFrom(t, '::1', usher.port, '::1');
  await stranger.ended();
  await usher.seen.until(() => usher.seen.closed === 1);
  t.same(usher.seen.codes, ['source-untrusted']);
});

t.test('off: a header is not expected, and one that comes is a bad request', async t => {
  const usher = await startWhoami(t, { proxyProtocol: 'off' });
  const client = await connect(t, usher.port, GET);
  t.equal((await nextResponse(client)).body.toString(), '127.0.0.1');
  t.match(await converse(t, usher.port, HEADER + GET), /^HTTP\/1\.1 400 /);
  t.same(new Set(usher.seen.headers), new Set(['none none 127.0.0.1']));
});

t.test('optional: with and without a header both are served and counted', async t => {
  const usher = await startWhoami(t, { proxyProtocol: 'optional' });
  for (const prefix of [fromText(HEADER), NLB_IPV4.bytes, fromText('')]) {
    const client = await connect(t, usher.port, joined(prefix, GET));
    t.equal((await nextResponse(client)).body.toString(), prefix.length > 0 ? '203.0.113.9' : '127.0.0.1');
  }
  t.same(usher.seen.headers, ['v1 PROXY 203.0.113.9', 'v2 PROXY 203.0.113.9', 'none none 127.0.0.1']);
});

t.test('optional: requests that begin like a header are requests', async t => {
  const usher = await startWhoami(t, { proxyProtocol: 'optional' });
  for (const method of ['POST', 'PUT', 'PROPFIND', 'PROPPATCH']) {
    const client = await connect(t, usher.port);
    const text = request('/', ['Content-Length: 0'], method);
    await sendPieces(client, text);
    t.equal((await nextResponse(client)).status, 200, method);
    client.socket.destroy();
  }
  const blank = await connect(t, usher.port);
  await sendPieces(blank, ['\r', '\n', GET]);
  t.equal((await nextResponse(blank)).body.toString(), '127.0.0.1', 'an empty line first is no v2 signature');
});

t.test('optional: a header from a peer that is not trusted is refused, a request without one is served', async t => {
  const usher = await startWhoami(t, { proxyProtocol: 'optional', trustedSources: cidrs('127.0.0.2/32') });
  const plain = await connect(t, usher.port, GET);
  t.equal((await nextResponse(plain)).body.toString(), '127.0.0.1');
  t.equal(await converse(t, usher.port, HEADER + GET), '');
  await usher.seen.until(() => usher.seen.closed === 1);
  t.same(usher.seen.codes, ['source-untrusted']);
});

t.test('optional: a bad header is refused, not served as a request', async t => {
  const usher = await startWhoami(t, { proxyProtocol: 'optional' });
  t.equal(await converse(t, usher.port, `PROXY TCP4 999.0.0.1 10.0.1.20 1 2\r\n${GET}`), '');
  await usher.seen.atRest();
  t.same(usher.seen.codes, ['header-malformed']);
});

t.test('optional: P and then nothing is a request that does not come in time', async t => {
  const usher = await startWhoami(t, { proxyProtocol: 'optional', timeouts: { proxyHeaderMs: 30, requestHeadMs: 30 } });
  const client = await connect(t, usher.port, 'P');
  const { status, body } = await nextResponse(client);
  t.equal(status, 408);
  t.match(body.toString(), 'head-timeout');
  t.same(usher.seen.headers, ['none none 127.0.0.1']);
});

t.test('optional: P and then the end is truncated; nothing at all is a probe', async t => {
  const usher = await startWhoami(t, { proxyProtocol: 'optional', timeouts: { proxyHeaderMs: 30, requestHeadMs: 30 } });
  const cut = await connect(t, usher.port, 'P');
  cut.socket.end();
  await cut.ended();
  await usher.seen.until(() => usher.seen.closed === 1);
  const silent = await connect(t, usher.port);
  await silent.ended();
  silent.socket.end();
  await usher.seen.until(() => usher.seen.closed === 2);
  t.same(usher.seen.codes, ['header-truncated']);
  t.same(usher.seen.probes, ['empty']);
});

t.test(
  'optional and tcp: a client that waits for the server to speak is let in when the header time is over',
  async t => {
    const { port } = await serve(t, client => client.send('220 welcome\r\n'));
    const usher = await startUsherBefore(t, port, {
      protocol: 'tcp',
      proxyProtocol: 'optional',
      timeouts: { proxyHeaderMs: 30 },
    });
    const client = await connect(t, usher.port);
    t.equal(await client.until('welcome\r\n'), '220 welcome\r\n');
  },
);

t.test('a connection beyond the limit is refused and frees its place', async t => {
  const usher = await startWhoami(t, { limits: { connections: 2 } });
  const first = await connect(t, usher.port, HEADER + GET);
  await nextResponse(first);
  const second = await connect(t, usher.port, HEADER);
  await usher.seen.until(() => usher.seen.headers.length === 2);
  t.equal(await converse(t, usher.port, HEADER + GET), '');
  await usher.seen.until(() => usher.seen.closed === 1);
  t.same(usher.seen.codes, ['connection-limit']);
  second.socket.end();
  await usher.seen.until(() => usher.seen.closed === 2);
  const third = await connect(t, usher.port, HEADER + GET);
  t.equal((await nextResponse(third)).status, 200);
});

t.test('a flood of single bytes ends at the deadline and disturbs nobody', async t => {
  const usher = await startWhoami(t, { timeouts: { proxyHeaderMs: 100 } });
  const steady = await connect(t, usher.port, HEADER + GET);
  await nextResponse(steady);
  const flood = await Promise.all(Array.from({ length: 200 }, () => connect(t, usher.port, 'P')));
  steady.send(GET);
  t.equal((await nextResponse(steady)).status, 200, 'the other connection is served meanwhile');
  await Promise.all(flood.map(client => client.ended()));
  await usher.seen.until(() => usher.seen.closed === 200);
  t.same(usher.seen.codes, Array(200).fill('header-timeout'));
});

t.test('two requests in the segment of the header have the same client', async t => {
  const usher = await startWhoami(t);
  const client = await connect(t, usher.port, HEADER + GET + GET);
  const [first, second] = [await nextResponse(client), await nextResponse(client)];
  t.same([first.body.toString(), second.body.toString()], ['203.0.113.9', '203.0.113.9']);
  t.equal(field(first.fields, 'connection'), undefined);
});

t.test('a PROXY header is not looked for behind the first one', async t => {
  const usher = await startWhoami(t);
  const client = await connect(t, usher.port, HEADER + GET);
  await nextResponse(client);
  client.send('PROXY TCP4 6.6.6.6 10.0.1.20 1 2\r\n');
  t.equal((await nextResponse(client)).status, 400);
});

t.test('forwardedProto follows the TLV of the balancer, else the port, else the setting', async t => {
  const { port } = await serveHttp(t, (req, res) =>
    res.end(`${req.headers['x-forwarded-proto']} ${req.headers['x-forwarded-port']}`),
  );
  const ask = async (usher: RunningUsher, header: string | Uint8Array) => {
    const client = await connect(t, usher.port, joined(header, GET));
    return (await nextResponse(client)).body.toString();
  };
  const auto = await startUsherBefore(t, port);
  t.equal(await ask(auto, 'PROXY TCP4 203.0.113.9 10.0.1.20 51234 443\r\n'), 'https 443');
  t.equal(await ask(auto, 'PROXY TCP4 203.0.113.9 10.0.1.20 51234 80\r\n'), 'http 80');
  t.equal(await ask(auto, 'PROXY UNKNOWN\r\n'), `http ${auto.port}`);
  const fixed = await startUsherBefore(t, port, { forwardedProto: 'https' });
  t.equal(await ask(fixed, 'PROXY TCP4 203.0.113.9 10.0.1.20 51234 80\r\n'), 'https 80');
});
