/** The real nginx as the backend behind usher, and the real curl in front of it. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { type ClientResponse, HeaderAgent, request } from '../support/peer-client.js';
import { type RunningNginx, startNginx } from '../support/peer-nginx.js';
import { type Program, startProgram } from '../support/peer-program.js';
import { needProgram } from '../support/peers.js';
import type { Recorder } from '../support/recorder.js';
import { connect, HEADER } from '../support/sockets.js';
import { startUsherBefore } from '../support/usher.js';

const MOVIE = randomBytes(300_000);
const TEXT = 'An usher reads your ticket and shows you to your seat.\n'.repeat(2_000);

const SERVER = `
  keepalive_requests 50;
  location / { etag on; }
  location = /text.txt { types { text/plain txt; } gzip on; gzip_types text/plain; }
  location = /whoami { default_type text/plain; return 200 "$http_x_forwarded_for $http_x_real_ip $http_host\\n"; }
  location /upload/ { dav_methods PUT; client_max_body_size 64m; }
  location /small/ { dav_methods PUT; client_max_body_size 64k; }
  location = /empty { return 204; }
`;

interface Way {
  readonly port: number;
  readonly seen: Recorder;
  readonly nginx: RunningNginx;
}

async function startWay(t: Test, server = SERVER): Promise<Way | undefined> {
  const program = needProgram(t, 'nginx');
  if (program === undefined) return undefined;
  const nginx = await startNginx(t, program, { server, files: { 'movie.bin': MOVIE, 'text.txt': TEXT } });
  const { port, seen } = await startUsherBefore(t, nginx.port);
  return { port, seen, nginx };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

t.test('what nginx serves arrives as nginx meant it', async t => {
  const way = await startWay(t);
  if (way === undefined) return;
  const { port, seen, nginx } = way;
  const agent = new HeaderAgent(t, HEADER);

  await t.test('a file, its head only, a part of it, and that it has not changed', async t => {
    const whole = await request(agent, { port, path: '/movie.bin' });
    t.match(whole, { status: 200, headers: { 'content-length': '300000', 'accept-ranges': 'bytes' } });
    t.equal(sha256(whole.body), sha256(MOVIE));
    const { etag } = whole.headers;

    const head = await request(agent, { port, path: '/movie.bin', method: 'HEAD' });
    t.match(head, { status: 200, headers: { 'content-length': '300000', etag } });
    t.equal(head.body.length, 0);

    const same = await request(agent, { port, path: '/movie.bin', headers: { 'If-None-Match': etag } });
    t.match(same, { status: 304, headers: { etag } });
    t.equal(same.body.length, 0);

    const part = await request(agent, { port, path: '/movie.bin', headers: { Range: 'bytes=1000-1999' } });
    t.match(part, { status: 206, headers: { 'content-range': 'bytes 1000-1999/300000', 'content-length': '1000' } });
    t.ok(part.body.equals(MOVIE.subarray(1000, 2000)));

    const parts = await request(agent, { port, path: '/movie.bin', headers: { Range: 'bytes=0-1,5-6' } });
    t.match(parts, { status: 206, headers: { 'content-type': /^multipart\/byteranges/ } });

    const beyond = await request(agent, { port, path: '/movie.bin', headers: { Range: 'bytes=400000-' } });
    t.equal(beyond.status, 416);
  });

  await t.test('text that is packed on the way, in chunks', async t => {
    const packed = await request(agent, { port, path: '/text.txt', headers: { 'Accept-Encoding': 'gzip' } });
    t.match(packed, { status: 200, headers: { 'transfer-encoding': 'chunked', 'content-encoding': 'gzip' } });
    t.equal(gunzipSync(packed.body).toString(), TEXT);
  });

  await t.test('nothing, and what is not there', async t => {
    t.match(await request(agent, { port, path: '/empty' }), { status: 204, body: Buffer.alloc(0) });
    t.match(await request(agent, { port, path: '/nowhere' }), { status: 404, body: /nginx/ });
    t.match(await request(agent, { port, path: '/empty', method: 'HEAD' }), { status: 204 });
  });

  await t.test('the client of the PROXY header', async t => {
    const headers = { Host: 'chat.example', 'X-Forwarded-For': '6.6.6.6' };
    const { body } = await request(agent, { port, path: '/whoami', headers });
    t.equal(body.toString(), '203.0.113.9 203.0.113.9 chat.example\n');
  });

  await t.test('an upload with a length, and one in chunks', async t => {
    const counted = { path: '/upload/counted', headers: { 'Content-Length': MOVIE.length }, body: MOVIE };
    t.match(await request(agent, { port, method: 'PUT', ...counted }), { status: 201 });
    const pieces = [MOVIE.subarray(0, 10), MOVIE.subarray(10, 200_000), MOVIE.subarray(200_000)];
    t.match(await request(agent, { port, method: 'PUT', path: '/upload/chunked', body: pieces }), { status: 201 });
    for (const name of ['counted', 'chunked']) {
      t.equal(sha256(await readFile(join(nginx.root, 'upload', name))), sha256(MOVIE), name);
    }
  });

  t.equal(agent.opened, 1, 'all of it on one connection of the client');
  t.same(seen.refusals, []);
});

t.test('an upload that nginx refuses early: the client reads why, and the connection ends', async t => {
  const way = await startWay(t);
  if (way === undefined) return;
  const { port, seen } = way;
  const piece = 'x'.repeat(100_000);

  const counted = await connect(
    t,
    port,
    `${HEADER}PUT /small/a HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n${piece}`,
  );
  t.match(await counted.until('</html>'), /^HTTP\/1\.1 413 .*\r\nConnection: close\r\n/s);
  counted.send(piece);
  t.match(await counted.ended(), /<\/html>\s*$/);

  const chunk = `186a0\r\n${piece}\r\n`;
  const head = 'PUT /small/b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  const chunked = await connect(t, port, `${HEADER}${head}${chunk}`);
  t.match(await chunked.until('</html>'), /^HTTP\/1\.1 413 /);
  t.match(await chunked.ended(), /<\/html>\s*$/);

  const asking = await connect(
    t,
    port,
    `${HEADER}PUT /small/c HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 20000000\r\n\r\n`,
  );
  t.match(await asking.ended(), /^HTTP\/1\.1 413 /, 'without a byte of the body');
  for (const { socket } of [counted, chunked, asking]) socket.destroy();
  await seen.atRest();
  t.same(
    seen.exchanges.map(({ status, code }) => [status, code]),
    Array(3).fill([413, undefined]),
  );
  t.same(seen.refusals, []);
});

/** Which connections of nginx served, and the most requests that one of them did. */
class Tally {
  requests = 0;
  most = 0;
  readonly connections = new Set<string>();

  /** Counts a response; false where it is not the whole text. */
  take({ status, body, headers }: ClientResponse): boolean {
    const [connection = '', request = ''] = String(headers['x-connection']).split(' ');
    this.connections.add(connection);
    this.most = Math.max(this.most, Number(request));
    this.requests += 1;
    return status === 200 && body.length === TEXT.length;
  }
}

t.test('500 requests in turn, while nginx closes every connection behind its seventh: none fails', async t => {
  const way = await startWay(t, 'keepalive_requests 7;');
  if (way === undefined) return;
  const { port, seen } = way;
  const tally = new Tally();
  const agents = [HEADER, HEADER.replace('203.0.113.9', '198.51.100.7')].map(header => new HeaderAgent(t, header));
  while (tally.requests < 500) {
    for (const agent of agents) {
      if (!tally.take(await request(agent, { port, path: '/text.txt' }))) t.fail(`request ${tally.requests} failed`);
    }
  }
  t.same([tally.connections.size, tally.most], [72, 7], 'every connection was shared, and used to its end');
  t.same(
    agents.map(agent => agent.opened),
    [1, 1],
    'the clients notice nothing',
  );
  t.same(seen.refusals, []);
});

t.test('requests at the moment when nginx closes idle connections: none fails', async t => {
  const way = await startWay(t, 'keepalive_timeout 10ms;');
  if (way === undefined) return;
  const { port, seen } = way;
  const tally = new Tally();
  // The pauses are the point: some end just before nginx closes, some just behind.
  const one = async (pauseMs: number): Promise<void> => {
    const agent = new HeaderAgent(t, HEADER);
    for (let n = 0; n < 40; n += 1) {
      if (!tally.take(await request(agent, { port, path: '/text.txt' })))
        t.fail(`request ${n} at ${pauseMs} ms failed`);
      await delay(pauseMs);
    }
  };
  await Promise.all([8, 9, 10, 10, 11, 12].map(one));
  t.ok(tally.connections.size > 6, `${tally.connections.size} connections for ${tally.requests} requests`);
  t.same(seen.refusals, []);
});

t.test('curl', async t => {
  const curl = needProgram(t, 'curl');
  const way = curl === undefined ? undefined : await startWay(t);
  if (curl === undefined || way === undefined) return;
  const { port, seen, nginx } = way;
  const url = (path: string): string => `http://127.0.0.1:${port}${path}`;
  /** Writes the PROXY v1 header itself; from an address of its own, as a client is never the balancer. */
  const run = async (args: readonly string[], input?: Uint8Array): Promise<Program> => {
    const common = ['-sS', '--max-time', '10', '--noproxy', '*', '--haproxy-protocol', '--interface', '127.0.0.5'];
    const program = startProgram(t, curl, [...common, ...args], { ...(input && { input }) });
    t.equal(await program.ended(), 0, program.stderr);
    return program;
  };

  await t.test('is named by its own header, and keeps its connection', async t => {
    const { stdout } = await run([
      '-w',
      '%{http_code} %{num_connects}\n',
      url('/whoami'),
      url('/whoami'),
      url('/whoami'),
    ]);
    const line = `127.0.0.5 127.0.0.5 127.0.0.1:${port}\n200`;
    t.equal(stdout, `${line} 1\n${line} 0\n${line} 0\n`);
    t.match(seen.headers, ['v1 PROXY 127.0.0.5']);
  });

  await t.test('uploads standard input in chunks', async t => {
    const { stdout } = await run(['-T', '-', '-w', '%{http_code}', url('/upload/stdin')], MOVIE);
    t.match(stdout, /201$/);
    t.equal(sha256(await readFile(join(nginx.root, 'upload/stdin'))), sha256(MOVIE));
  });

  await t.test('waits for 100 Continue before it sends the body', async t => {
    const args = ['-v', '-H', 'Expect: 100-continue', '--expect100-timeout', '9', '-T', join(nginx.root, 'movie.bin')];
    const { stderr } = await run([...args, '-w', '%{http_code}', url('/upload/expected')]);
    t.match(stderr, /< HTTP\/1\.1 100 Continue[\s\S]*< HTTP\/1\.1 201 Created/);
    t.equal((await stat(join(nginx.root, 'upload/expected'))).size, MOVIE.length);
  });

  await t.test('speaks HTTP/1.0: no chunks, and the end is the end of the connection', async t => {
    const { stdout, stderr } = await run(['--http1.0', '-v', '-H', 'Accept-Encoding: gzip', '-o', '-', url('/whoami')]);
    t.match(stdout, /^127\.0\.0\.5 /);
    t.match(stderr, /< Connection: close/);
    const text = await run(['--http1.0', '--compressed', '-v', url('/text.txt')]);
    t.equal(text.stdout, TEXT);
    t.notMatch(text.stderr, /transfer-encoding/i);
  });

  await t.test('unpacks, looks at heads, resumes, and asks for HTTP/2 in vain', async t => {
    t.equal((await run(['--compressed', url('/text.txt')])).stdout, TEXT);
    t.match((await run(['-I', url('/movie.bin')])).stdout, /^HTTP\/1\.1 200 OK\r\n[\s\S]*Content-Length: 300000\r\n/);
    t.match((await run(['-r', '0-0', '-w', '%{http_code}', '-o', '/dev/null', url('/movie.bin')])).stdout, '206');
    const upgrade = await run(['--http2', '-w', '%{http_version}', '-o', '/dev/null', url('/whoami')]);
    t.equal(upgrade.stdout, '1.1');
  });

  await seen.atRest();
  t.same(seen.refusals, []);
  t.same(seen.probes, []);
});
