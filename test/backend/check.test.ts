/** One check of one endpoint: what it sends, what it takes for an answer, and that it leaves nothing behind. */
import net from 'node:net';
import t, { type Test } from 'tap';
import { type CheckOptions, jittered, scanStatus, startCheck } from '../../src/backend/check.js';
import { deafPort, freePort } from '../support/ports.js';
import { type RawClient, serve, turns } from '../support/sockets.js';

const HTTP = { path: '/healthz', host: undefined, statuses: [200, 204] };
const GREETING = Buffer.from('PROXY UNKNOWN\r\n');

/** What a check came to: `passed`, or why not. */
function checked(port: number, changes: Partial<CheckOptions> = {}): Promise<string> {
  const options = { endpoint: { host: '127.0.0.1', port }, http: undefined, timeoutMs: 5_000, ...changes };
  let called = 0;
  return new Promise((resolve, reject) => {
    const once = (result: string) => {
      called += 1;
      if (called > 1) reject(new Error('told twice'));
      resolve(result);
    };
    startCheck(options, { onPassed: () => once('passed'), onFailed: once });
    if (called > 0) reject(new Error('told inside the call'));
  });
}

/** A server that gives this answer as soon as the request is whole, one piece after the other. */
function answering(t: Test, ...pieces: string[]) {
  return serve(t, async client => {
    await client.until('\r\n\r\n').catch(() => {});
    for (const piece of pieces) {
      client.send(piece);
      await turns(2);
    }
  });
}

t.test('without HTTP a connection is enough, and it is closed', async t => {
  const server = await serve(t);
  t.equal(await checked(server.port), 'passed');
  const connection = await server.connection(0);
  t.equal(await connection.ended(), '');
  t.equal(connection.ending, 'fin');
});

t.test('a greeting goes out whole before the connection is closed', async t => {
  const server = await serve(t);
  t.equal(await checked(server.port, { greeting: GREETING }), 'passed');
  const connection = await server.connection(0);
  t.equal(await connection.ended(), GREETING.toString());
  t.equal(connection.ending, 'fin');
});

t.test('an empty greeting is none', async t => {
  const { port } = await serve(t);
  t.equal(await checked(port, { greeting: Buffer.alloc(0) }), 'passed');
});

t.test('an HTTP check asks for its path and closes when it has the status', async t => {
  const server = await answering(t, 'HTTP/1.1 204 No Content\r\n');
  t.equal(await checked(server.port, { http: HTTP }), 'passed');
  const connection = await server.connection(0);
  t.equal(
    await connection.ended(),
    `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nUser-Agent: usher/health-check\r\nConnection: close\r\n\r\n`,
  );
});

t.test('the greeting stands in front of the request, and Host is as configured', async t => {
  const server = await answering(t, 'HTTP/1.0 200\r\n');
  t.equal(await checked(server.port, { http: { ...HTTP, host: 'chat.example' }, greeting: GREETING }), 'passed');
  const text = await (await server.connection(0)).ended();
  t.ok(text.startsWith('PROXY UNKNOWN\r\nGET /healthz HTTP/1.1\r\nHost: chat.example\r\n'), text);
});

t.test('an IPv6 endpoint stands in brackets in Host', async t => {
  const server = net.createServer(socket => socket.once('data', bytes => socket.end(`HTTP/1.1 200 OK\r\n${bytes}`)));
  const listening = await new Promise(resolve => {
    server.once('error', () => resolve(false));
    server.listen(0, '::1', () => resolve(true));
  });
  if (listening === false) return t.comment('no IPv6 here');
  t.teardown(() => server.close());
  const heard = new Promise(resolve => server.once('connection', socket => socket.once('data', resolve)));
  const { port } = server.address() as net.AddressInfo;
  t.equal(await checked(port, { endpoint: { host: '::1', port }, http: HTTP }), 'passed');
  t.match(String(await heard), `Host: [::1]:${port}\r\n`);
});

const answers: readonly { readonly answer: readonly string[]; readonly expect: string }[] = [
  { answer: [...'HTTP/1.1 200 OK\r\n'], expect: 'passed' },
  { answer: ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'], expect: 'passed' },
  { answer: ['HTTP/1.1 503 Service Unavailable\r\n\r\n'], expect: 'status-503' },
  { answer: ['HTTP/1.1 301 Moved\r\n'], expect: 'status-301' },
  { answer: ['SSH-2.0-OpenSSH_9.6\r\n'], expect: 'not-http' },
  { answer: ['\x15\x03\x01\0\x02\x02\x46'], expect: 'not-http' },
  { answer: ['HTTP/2.0 200 OK\r\n'], expect: 'not-http' },
  { answer: [`HTTP/1.1 200 ${'x'.repeat(2_000)}`], expect: 'not-http' },
];

for (const { answer, expect } of answers) {
  const text = answer.join('').slice(0, 40);
  t.test(`an answer of ${JSON.stringify(text)} in ${answer.length} pieces is ${expect}`, async t => {
    const server = await answering(t, ...answer);
    t.equal(await checked(server.port, { http: HTTP }), expect);
    await (await server.connection(0)).ended();
  });
}

const ends: readonly { readonly name: string; readonly act: (client: RawClient) => void; readonly expect: string }[] = [
  { name: 'an end without a word', act: client => client.socket.end(), expect: 'closed' },
  { name: 'an end inside the status line', act: client => client.socket.end('HTTP/1.1 20'), expect: 'closed' },
  { name: 'a reset', act: client => client.socket.resetAndDestroy(), expect: 'ECONNRESET' },
];

for (const { name, act, expect } of ends) {
  t.test(`${name} is ${expect}`, async t => {
    const { port } = await serve(t, async client => {
      await client.until('\r\n\r\n').catch(() => {});
      act(client);
    });
    t.equal(await checked(port, { http: HTTP }), expect);
  });
}

t.test('a port on which nobody listens is told with the code of the system', async t => {
  t.equal(await checked(await freePort()), 'ECONNREFUSED');
  t.equal(await checked(await freePort(), { http: HTTP }), 'ECONNREFUSED');
});

t.test('an address that is none is a failure, never an exception', async t => {
  t.equal(await checked(70_000), 'ERR_SOCKET_BAD_PORT');
});

t.test('a port that does not answer is a timeout', async t => {
  t.equal(await checked(await deafPort(t), { timeoutMs: 30 }), 'timeout');
});

t.test('an endpoint that takes the request and says nothing is a timeout, and the connection is closed', async t => {
  const server = await serve(t);
  t.equal(await checked(server.port, { http: HTTP, timeoutMs: 30 }), 'timeout');
  await (await server.connection(0)).ended();
});

t.test('an endpoint that goes on saying nothing is a timeout: the time is for all of it', async t => {
  const server = await serve(t, async client => {
    client.send('HTTP/1.1 200 ');
    while (client.ending === 'open') {
      client.send('x');
      await turns(500);
    }
  });
  const result = await checked(server.port, { http: HTTP, timeoutMs: 30 });
  t.ok(result === 'timeout' || result === 'not-http', result);
});

t.test('a check that is cancelled tells nobody and leaves no connection', async t => {
  const server = await serve(t);
  let told = 0;
  const tell = () => {
    told += 1;
  };
  const options = { endpoint: { host: '127.0.0.1', port: server.port }, http: HTTP, timeoutMs: 20 };
  const check = startCheck(options, { onPassed: tell, onFailed: tell });
  const connection = await server.connection(0);
  check.cancel();
  check.cancel();
  await connection.ended();
  startCheck(options, { onPassed: tell, onFailed: tell }).cancel();
  t.equal(
    await checked(server.port, { timeoutMs: 30, http: HTTP }),
    'timeout',
    'the times of the others are over, too',
  );
  t.equal(told, 0);
});

t.test('a check that is over leaves no timer', async t => {
  const { port } = await serve(t);
  const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length;
  const before = timers();
  await checked(port);
  await checked(await freePort());
  t.equal(timers(), before);
});

t.test('a status line is complete, incomplete or none at every cut', async t => {
  const whole = Buffer.from('HTTP/1.1 200 OK\r\nServer: x\r\n');
  const length = whole.indexOf(0x0a) + 1;
  for (let cut = 0; cut <= whole.length; cut += 1)
    t.equal(scanStatus(whole.subarray(0, cut)), cut < length ? 'more' : 200, `${cut} bytes`);
  const none = ['HTTP/1.1 099 x', 'HTTP/1.1 2000', 'HTTP/1.1  200', 'HTTP/1.1', 'http/1.1 200', '', ' HTTP/1.1 200 OK'];
  for (const line of none) t.equal(scanStatus(Buffer.from(`${line}\r\n`)), 'not-http', line);
  for (const line of ['HTTP/1.0 599', 'HTTP/1.1 599 ', 'HTTP/1.1 599 \xe9 x'])
    t.equal(scanStatus(Buffer.from(`${line}\n`, 'latin1')), 599, line);
  const longest = `HTTP/1.1 200 ${'x'.repeat(1_009)}`;
  t.equal(scanStatus(Buffer.from(`${longest}\r\n`)), 200, '1024 bytes');
  t.equal(scanStatus(Buffer.from(`${longest}x\r`)), 'not-http', '1024 bytes and no end');
});

t.test('intervals vary by a tenth', async t => {
  t.same(
    [0, 0.5, 1].map(random => Math.round(jittered(2_000, random))),
    [1_800, 2_000, 2_200],
  );
});
