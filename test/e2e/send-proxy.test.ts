/** `sendProxyProtocol`: a backend that reads PROXY headers itself learns from usher what usher has learnt. */
import { Command, V1ProxyProtocol, V2ProxyProtocol } from 'proxy-protocol-js';
import t, { type Test } from 'tap';
import { parseAddress, type SocketAddress } from '../../src/address.js';
import { decodeProxyHeader } from '../../src/proxy-header/decode.js';
import { encodeV1, encodeV2 } from '../../src/proxy-header/encode.js';
import type { ProxyHeader } from '../../src/proxy-header/header.js';
import { tlvTypes } from '../../src/proxy-header/tlv.js';
import { concat, fromHex, fromText, v2 } from '../fixtures/proxy-headers.js';
import { leftovers, NOTHING_LEFT } from '../support/flow.js';
import { response, serveAnswers, serveSpoken } from '../support/http.js';
import { clientAt, HeaderAgent, request } from '../support/peer-client.js';
import { startHaproxy } from '../support/peer-haproxy.js';
import { startNginx } from '../support/peer-nginx.js';
import { freePort } from '../support/peer-program.js';
import { needProgram } from '../support/peers.js';
import { type BackendChanges, backendSettings, type ListenerChanges, listenerSettings } from '../support/settings.js';
import { connect, connectFrom, HEADER, type RawClient, sendPieces, serve } from '../support/sockets.js';
import { type RunningUsher, startUsher } from '../support/usher.js';

type Version = 'v1' | 'v2';

const VERSIONS: readonly Version[] = ['v1', 'v2'];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const four = { source: { address: '203.0.113.9', port: 51234 }, destination: { address: '10.0.1.20', port: 443 } };
const six = {
  source: { address: '2001:db8::9', port: 51234 },
  destination: { address: '2001:db8:1::20', port: 8443 },
};
const mixed = { source: six.source, destination: four.destination };

/** A `protocol: tcp` listener that sends on what it learns. */
function startSender(
  t: Test,
  port: number,
  version: Version,
  changes: ListenerChanges = {},
  backend: BackendChanges = {},
): Promise<RunningUsher> {
  const sendProxyProtocol = { version, uniqueId: true };
  const listeners = [listenerSettings({ protocol: 'tcp', sendProxyProtocol, ...changes })];
  return startUsher(t, listeners, [backendSettings([port], backend)]);
}

interface SentOn {
  readonly header: ProxyHeader;
  /** All of it. */
  readonly bytes: Buffer;
  readonly payload: string;
}

/** What a backend got: a header and what came behind it. */
function sentOn({ received }: RawClient): SentOn {
  const decoded = decodeProxyHeader(received);
  if (decoded.kind !== 'header') throw new Error(`${JSON.stringify(decoded)}: ${received.toString('hex')}`);
  const { header, length } = decoded;
  return { header, bytes: received.subarray(0, length), payload: received.toString('latin1', length) };
}

/** Sends this through usher; resolves with what the backend got when `payload` has arrived there. */
async function sendThrough(t: Test, version: Version, bytes: Uint8Array, payload = 'payload'): Promise<SentOn> {
  const backend = await serveSpoken(t);
  const usher = await startSender(t, backend.port, version);
  const client = await connect(t, usher.port, concat(bytes, fromText(payload)));
  const served = await backend.connection(0);
  await served.until(payload);
  client.socket.end();
  await served.ended();
  served.socket.end();
  t.same(await leftovers(usher), NOTHING_LEFT);
  t.same(usher.seen.codes, []);
  return sentOn(served);
}

function octets({ address }: SocketAddress): number[] {
  return [...(parseAddress(address) ?? [])];
}

function text(ends: typeof four): string {
  const { source, destination } = ends;
  return `${source.address} ${source.port} ${destination.address} ${destination.port}`;
}

// ---- byte for byte ----

t.test('a v1 line says again what came, whichever version that was', async t => {
  for (const ends of [four, six]) {
    for (const came of [encodeV1(ends), encodeV2({ command: 'PROXY', ...ends, crc32c: true })]) {
      const { bytes, payload } = await sendThrough(t, 'v1', came);
      t.equal(bytes.toString('latin1'), Buffer.from(encodeV1(ends)).toString('latin1'));
      t.equal(payload, 'payload');
      const witness = V1ProxyProtocol.parse(`${bytes.toString('latin1')}rest`);
      t.match(witness.source, { ipAddress: ends.source.address, port: ends.source.port });
      t.match(witness.destination, { ipAddress: ends.destination.address, port: ends.destination.port });
      t.equal(witness.data, 'rest');
    }
  }
});

t.test('a v2 block says again what came, and another decoder agrees', async t => {
  for (const ends of [four, six, mixed]) {
    for (const came of [encodeV1(ends), encodeV2({ command: 'PROXY', ...ends })]) {
      const { header, bytes, payload } = await sendThrough(t, 'v2', came);
      t.match(header, { version: 2, command: 'PROXY', ...ends });
      t.equal(payload, 'payload');
      const witness = V2ProxyProtocol.parse(bytes);
      t.equal(witness.command, Command.PROXY);
      t.match(witness.proxyAddress, { sourcePort: ends.source.port, destinationPort: ends.destination.port });
      t.match(witness.proxyAddress, { sourceAddress: { address: octets(ends.source) } });
    }
  }
});

/** TLVs as they stand on the wire: doubles, empty ones, one inside another, types that nobody has given a name. */
const TLVS = concat(
  fromHex('ea 0016 01'),
  fromText('vpce-08d2bf15fac5001c'),
  fromHex('04 0000'),
  fromHex('02 000c'),
  fromText('chat.example'),
  fromHex('20 000f 01 00000000 21 0007'),
  fromText('TLSv1.3'),
  fromHex('f5 012c', 300),
  fromHex('04 0003 000000'),
  fromHex('ff 0000'),
  fromHex('01 0008'),
  fromText('http/1.1'),
);
const UNIQUE_ID = concat(fromHex('05 0003'), fromText('abc'));
/** What {@link four} is in binary. */
const BLOCK = fromHex('cb007109 0a000114 c822 01bb');

/** A v2 header with these TLVs, and its checksum behind them or left out. */
function headerWith(tlvs: Uint8Array, checksum: boolean): Uint8Array {
  if (!checksum) return v2(0x21, 0x11, concat(BLOCK, tlvs));
  return encodeV2({ command: 'PROXY', ...four, tlvs: tlvsOf(tlvs), crc32c: true });
}

function tlvsOf(tlvs: Uint8Array): ProxyHeader['tlvs'] {
  const decoded = decodeProxyHeader(headerWith(tlvs, false));
  if (decoded.kind !== 'header') throw new Error('the test has a mistake');
  return decoded.header.tlvs;
}

for (const checksum of [false, true]) {
  t.test(`TLVs arrive byte for byte${checksum ? ', and the checksum that came does not' : ''}`, async t => {
    const { header, bytes } = await sendThrough(t, 'v2', headerWith(TLVS, checksum));
    const fixed = 16 + BLOCK.length;
    t.strictSame([...bytes.subarray(fixed, fixed + TLVS.length)], [...TLVS]);
    const rest = bytes.subarray(fixed + TLVS.length);
    t.equal(rest.length, 3 + 36 + 3 + 4, 'a UNIQUE_ID and a checksum behind them, and nothing else');
    t.same([...rest.subarray(0, 3)], [tlvTypes.UNIQUE_ID, 0, 36]);
    t.match(rest.toString('latin1', 3, 39), UUID);
    t.same([...rest.subarray(39, 42)], [tlvTypes.CRC32C, 0, 4]);
    t.equal(header.tlvs.filter(({ type }) => type === tlvTypes.CRC32C).length, 1);
  });
}

t.test('the UNIQUE_ID that came stays, and is the only one', async t => {
  const came = concat(UNIQUE_ID, TLVS);
  const { bytes } = await sendThrough(t, 'v2', headerWith(came, true));
  const fixed = 16 + BLOCK.length;
  t.strictSame([...bytes.subarray(fixed, fixed + came.length)], [...came]);
  t.equal(bytes.length, fixed + came.length + 7);
});

t.test('each connection has a UNIQUE_ID of its own, unless none is wanted', async t => {
  const backend = await serveSpoken(t);
  const usher = await startSender(t, backend.port, 'v2');
  const plain = await startSender(t, backend.port, 'v2', { sendProxyProtocol: { version: 'v2', uniqueId: false } });
  const ids: string[] = [];
  for (const [index, { port }] of [usher, usher, usher, plain].entries()) {
    await connect(t, port, `${HEADER}payload`);
    const served = await backend.connection(index);
    await served.until('payload');
    const { tlvs } = sentOn(served).header;
    for (const { type, value } of tlvs) if (type === tlvTypes.UNIQUE_ID) ids.push(Buffer.from(value).toString());
  }
  t.equal(ids.length, 3);
  t.equal(new Set(ids).size, 3);
});

t.test('a header that comes in pieces goes out whole, and the payload behind it', async t => {
  const backend = await serveSpoken(t);
  const usher = await startSender(t, backend.port, 'v2');
  const client = await connect(t, usher.port);
  const bytes = concat(headerWith(UNIQUE_ID, true), fromText('payload'));
  await sendPieces(
    client,
    Array.from(bytes, byte => Uint8Array.of(byte)),
  );
  const served = await backend.connection(0);
  await served.until('payload');
  t.match(sentOn(served), { header: { command: 'PROXY', ...four }, payload: 'payload' });
  t.strictSame([...sentOn(served).bytes], [...headerWith(UNIQUE_ID, true)], 'this one has nothing to be added');
});

t.test('the header is not waited for: a backend that speaks first is heard', async t => {
  const backend = await serve(t, client => client.socket.once('data', () => client.send('220 welcome\r\n')));
  for (const version of VERSIONS) {
    const usher = await startSender(t, backend.port, version);
    t.equal(await (await connect(t, usher.port, HEADER)).until('\r\n'), '220 welcome\r\n');
  }
});

t.test('what usher sends is counted', async t => {
  const backend = await serveSpoken(t);
  const usher = await startSender(t, backend.port, 'v1');
  const client = await connect(t, usher.port, `${HEADER}payload`);
  client.socket.end();
  const served = await backend.connection(0);
  await served.ended();
  served.socket.end();
  await usher.seen.atRest();
  t.equal(usher.proxy.status().listeners[0]?.bytesToBackend, HEADER.length + 'payload'.length);
});

// ---- who is not a client ----

const nobodies: readonly { name: string; bytes: Uint8Array; v1: string; v2: ProxyHeader['command'] }[] = [
  { name: 'LOCAL', bytes: encodeV2({ command: 'LOCAL', crc32c: true }), v1: 'PROXY UNKNOWN\r\n', v2: 'LOCAL' },
  { name: 'LOCAL with TLVs', bytes: v2(0x20, 0, TLVS), v1: 'PROXY UNKNOWN\r\n', v2: 'LOCAL' },
  { name: 'LOCAL with addresses', bytes: v2(0x20, 0x11, BLOCK), v1: 'PROXY UNKNOWN\r\n', v2: 'LOCAL' },
  { name: 'v1 UNKNOWN', bytes: fromText('PROXY UNKNOWN\r\n'), v1: 'PROXY UNKNOWN\r\n', v2: 'UNKNOWN' },
  { name: 'a datagram', bytes: v2(0x21, 0x12, BLOCK), v1: 'PROXY UNKNOWN\r\n', v2: 'UNKNOWN' },
];

for (const { name, bytes, ...expected } of nobodies) {
  t.test(`${name} names nobody, neither to usher nor to the backend`, async t => {
    t.equal((await sendThrough(t, 'v1', bytes)).bytes.toString('latin1'), expected.v1);
    const second = await sendThrough(t, 'v2', bytes);
    t.match(second.header, { command: expected.v2, source: undefined, destination: undefined });
    const local = expected.v2 === 'LOCAL';
    t.equal(V2ProxyProtocol.parse(second.bytes).command, local ? Command.LOCAL : Command.PROXY);
    t.equal(second.header.tlvs.at(-1)?.type, tlvTypes.CRC32C);
  });
}

t.test("without a header the connection's own ends are told", async t => {
  const backend = await serveSpoken(t);
  let index = 0;
  for (const proxyProtocol of ['off', 'optional'] as const) {
    for (const version of VERSIONS) {
      const usher = await startSender(t, backend.port, version, { proxyProtocol });
      const client = await connect(t, usher.port, 'GET');
      const served = await backend.connection(index);
      await served.until('GET');
      t.match(sentOn(served), {
        header: {
          command: 'PROXY',
          source: { address: '127.0.0.1', port: client.socket.localPort },
          destination: { address: '127.0.0.1', port: usher.port },
        },
        payload: 'GET',
      });
      index += 1;
    }
  }
});

t.test('IPv6 ends of a connection without a header are told, and IPv4 ones of a listener for both as IPv4', async t => {
  const backend = await serveSpoken(t);
  const usher = await startSender(t, backend.port, 'v2', { proxyProtocol: 'off', listen: { host: '::', port: 0 } });
  for (const [index, [address, family]] of [['::1', 'inet6'] as const, ['127.0.0.1', 'inet'] as const].entries()) {
    const { socket } = await connectFrom(t, address, usher.port, address);
    socket.write('GET');
    const served = await backend.connection(index);
    await served.until('GET');
    t.match(sentOn(served).header, {
      family,
      source: { address, port: socket.localPort },
      destination: { address, port: usher.port },
    });
  }
});

// ---- real readers of PROXY headers ----

/** What HAProxy (`BADREQ` is a request of its own that was none, `PR` why) and nginx say about headers that are none. */
const COMPLAINTS = /PROXY|BADREQ|PR--|broken/;

const SAYS_SRC = 'http-request return status 200 hdr X-Saw "%[src] %[src_port] %[dst] %[dst_port]"';

/** A program that reads PROXY headers, in the place of the backend. */
interface Reader {
  readonly port: number;
  /** What it wrote, all of it that is about requests before this one was answered. */
  readonly log: (last: string) => Promise<string>;
}

/** HAProxy says whom it takes for the client; its log has a line for each request, and for what it didn't take for one. */
async function startReader(t: Test): Promise<Reader | undefined> {
  const path = needProgram(t, 'haproxy');
  if (path === undefined) return undefined;
  const pp = 'hdr X-Authority "%[fc_pp_authority]" hdr X-Unique-Id "%[fc_pp_unique_id]"';
  const lines = ['log stdout format raw daemon', 'option httplog', 'option dontlognull', `${SAYS_SRC} ${pp}`];
  const { ports, program } = await startHaproxy(t, path, {
    reader: { server: 1, mode: 'http', bind: 'accept-proxy', lines },
  });
  const log = async (last: string) => {
    await program.until(() => program.stdout.includes(last));
    return program.stdout;
  };
  return { port: ports.reader, log };
}

for (const version of VERSIONS) {
  t.test(`HAProxy with accept-proxy sees the client that usher was told of, ${version}`, async t => {
    const reader = await startReader(t);
    if (reader === undefined) return;
    const usher = await startSender(t, reader.port, version);
    for (const ends of [four, six]) {
      for (const came of [encodeV1(ends), encodeV2({ command: 'PROXY', ...ends, tlvs: tlvsOf(TLVS), crc32c: true })]) {
        const agent = new HeaderAgent(t, came);
        for (let i = 0; i < 3; i += 1) {
          t.match(await request(agent, { port: usher.port }), { status: 200, headers: { 'x-saw': text(ends) } });
        }
        t.equal(agent.opened, 1);
        agent.destroy();
      }
    }
    t.same(await leftovers(usher), NOTHING_LEFT);
    t.equal((await request(new HeaderAgent(t, HEADER), { port: usher.port, path: '/last' })).status, 200);
    t.notMatch(await reader.log('/last'), COMPLAINTS);
  });
}

t.test('HAProxy reads the TLVs that went through usher, and the UNIQUE_ID that usher added', async t => {
  const reader = await startReader(t);
  if (reader === undefined) return;
  const { port } = await startSender(t, reader.port, 'v2');
  const ask = async (tlvs: Uint8Array) => (await request(new HeaderAgent(t, headerWith(tlvs, true)), { port })).headers;
  t.match(await ask(TLVS), { 'x-authority': 'chat.example', 'x-unique-id': UUID });
  t.match(await ask(concat(TLVS, UNIQUE_ID)), { 'x-authority': 'chat.example', 'x-unique-id': 'abc' });
});

t.test('HAProxy takes the ends of a connection without a header, and its own for LOCAL', async t => {
  const reader = await startReader(t);
  if (reader === undefined) return;
  for (const version of VERSIONS) {
    const off = await startSender(t, reader.port, version, { proxyProtocol: 'off' });
    const { headers, local } = await request(clientAt(t, '127.0.0.7'), { port: off.port });
    t.equal(headers['x-saw'], `127.0.0.7 ${local.port} 127.0.0.1 ${off.port}`);
    const usher = await startSender(t, reader.port, version);
    // In v2 an UNKNOWN client is told as PROXY and UNSPEC, which HAProxy 2.6 rejects, as a receiver may (PP 2.2).
    const nobodies = [encodeV2({ command: 'LOCAL' }), ...(version === 'v1' ? [fromText('PROXY UNKNOWN\r\n')] : [])];
    for (const bytes of nobodies) {
      const response = await request(new HeaderAgent(t, bytes), { port: usher.port });
      t.match(response, { status: 200, headers: { 'x-saw': new RegExp(`^127.0.0.1 \\d+ 127.0.0.1 ${reader.port}$`) } });
    }
  }
});

/** nginx as the backend, with one port that expects a header; errors and warnings are what it writes. */
async function startNginxReader(t: Test): Promise<Reader | undefined> {
  const path = needProgram(t, 'nginx');
  if (path === undefined) return undefined;
  const port = await freePort();
  const words = ['addr', 'port', 'server_addr', 'server_port'].map(name => `$proxy_protocol_${name}`).join(' ');
  const server = `listen 127.0.0.1:${port} proxy_protocol;
    location = /whoami { default_type text/plain; return 200 "${words}"; }`;
  const { program } = await startNginx(t, path, { server });
  return { port, log: async () => program.stderr };
}

for (const version of VERSIONS) {
  t.test(`nginx with proxy_protocol sees the client that usher was told of, ${version}`, async t => {
    const reader = await startNginxReader(t);
    if (reader === undefined) return;
    const usher = await startSender(t, reader.port, version);
    const ask = async (agent: HeaderAgent) => (await request(agent, { port: usher.port, path: '/whoami' })).body;
    for (const ends of [four, six]) {
      for (const came of [encodeV1(ends), encodeV2({ command: 'PROXY', ...ends, tlvs: tlvsOf(TLVS), crc32c: true })]) {
        const agent = new HeaderAgent(t, came);
        for (let i = 0; i < 3; i += 1) t.equal(String(await ask(agent)), text(ends));
        agent.destroy();
      }
    }
    for (const nobody of [encodeV2({ command: 'LOCAL' }), fromText('PROXY UNKNOWN\r\n')]) {
      t.notMatch(String(await ask(new HeaderAgent(t, nobody))), /203|2001/);
    }
    t.equal(await reader.log('/whoami'), '');
  });
}

// ---- checks of endpoints that expect a header ----

const HEALTHZ = { path: '/whoami', host: undefined, statuses: [200] };

/** Checks every 20 ms or so. */
function checks(http: typeof HEALTHZ | undefined, checkHeader: Version | undefined): BackendChanges {
  return { checkHeader, healthCheck: { http, intervalMs: 20, timeoutMs: 5_000, rise: 1, fall: 1 } };
}

for (const http of [HEALTHZ, undefined]) {
  const kind = http === undefined ? 'TCP' : 'HTTP';

  t.test(`${kind} checks say LOCAL or UNKNOWN in front of everything`, async t => {
    for (const [version, command] of [['v1', 'UNKNOWN'] as const, ['v2', 'LOCAL'] as const]) {
      const backend = await serveSpoken(t, client => client.socket.on('end', () => client.socket.end()));
      const usher = await startSender(t, backend.port, version, {}, checks(http, version));
      for (let i = 0; i < 3; i += 1) {
        const checked = await backend.connection(i);
        if (http !== undefined) {
          await checked.until('Connection: close\r\n\r\n');
          checked.send(response('ok'));
        }
        await checked.ended();
        t.equal(checked.ending, 'fin');
        const { header, payload } = sentOn(checked);
        t.match(header, { command, source: undefined, destination: undefined });
        t.equal(payload.slice(0, 12), http === undefined ? '' : 'GET /whoami ');
      }
      t.same(usher.seen.changes, [`127.0.0.1:${backend.port} up`]);
      await usher.proxy.close();
    }
  });

  for (const start of [startReader, startNginxReader]) {
    const program = start === startReader ? 'HAProxy' : 'nginx';

    t.test(`${program} has nothing to say about ${kind} checks with a header`, async t => {
      const reader = await start(t);
      if (reader === undefined) return;
      for (const version of VERSIONS) {
        const usher = await startSender(t, reader.port, version, {}, checks(http, version));
        await usher.seen.until(() => usher.seen.changes.length === 1);
        t.same(usher.seen.changes, [`127.0.0.1:${reader.port} up`]);
        const last = { port: usher.port, path: `/whoami?${version}` };
        t.equal((await request(new HeaderAgent(t, HEADER), last)).status, 200);
        t.notMatch(await reader.log(last.path), COMPLAINTS);
        await usher.proxy.close();
      }
    });
  }
}

for (const start of [startReader, startNginxReader]) {
  const program = start === startReader ? 'HAProxy' : 'nginx';

  t.test(`${program} refuses HTTP checks without the header that it expects, and the endpoint is down`, async t => {
    const reader = await start(t);
    if (reader === undefined) return;
    const usher = await startSender(t, reader.port, 'v2', {}, checks(HEALTHZ, undefined));
    await usher.seen.until(() => usher.seen.changes.length === 1);
    t.same(usher.seen.changes, [`127.0.0.1:${reader.port} down`]);
    // Traffic goes there all the same: there is nobody else.
    const last = { port: usher.port, path: '/whoami?last' };
    t.equal((await request(new HeaderAgent(t, HEADER), last)).status, 200);
    t.match(await reader.log(last.path), COMPLAINTS);
  });
}

// ---- one connection, one header ----

t.test('a connection that carried a header is never used again, and a pooled one never gets one', async t => {
  const backend = await serveAnswers(t, () => response('ok'));
  // v2 has an empty line in its signature, which this backend would answer.
  const sendProxyProtocol = { version: 'v1', uniqueId: false } as const;
  const usher = await startUsher(
    t,
    [listenerSettings({ protocol: 'tcp', sendProxyProtocol }), listenerSettings({ name: 'http' })],
    [backendSettings([backend.port])],
  );
  const [, web] = usher.proxy.status().listeners.map(({ address }) => Number(address.split(':').at(-1)));
  const starts: string[] = [];
  const round = async (port: number) => {
    const agent = new HeaderAgent(t, HEADER);
    for (let i = 0; i < 3; i += 1) t.match(await request(agent, { port }), { status: 200 });
    agent.destroy();
    await usher.seen.atRest();
    starts.push(String(backend.connections.length));
  };
  for (const port of [web ?? 0, usher.port, usher.port, web ?? 0, usher.port]) await round(port);
  t.same(starts, ['1', '2', '3', '3', '4'], 'the pooled connection serves http, and each tcp connection has its own');
  t.match(usher.proxy.status().backends[0]?.endpoints[0], { active: 0, idle: 1 });
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('a client that leaves while the dial is under way leaves nothing behind', async t => {
  const backend = await serve(t, ({ socket }) => socket.on('end', () => socket.end()));
  for (const proxyProtocol of ['off', 'required'] as const) {
    const usher = await startSender(t, backend.port, 'v2', { proxyProtocol });
    for (let i = 1; i <= 100; i += 1) {
      const client = await connect(t, usher.port, proxyProtocol === 'off' ? '' : HEADER);
      client.socket.resetAndDestroy();
      await usher.seen.until(() => usher.seen.closed === i);
    }
    await usher.seen.until(() => usher.seen.dials.length === 100);
    t.same(usher.seen.codes, []);
    t.same(await leftovers(usher), NOTHING_LEFT);
  }
});
