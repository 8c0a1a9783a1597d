/** Faults that a reviewer found by attacking usher, each once more. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { content, relayed, Source, standstill } from '../support/flow.js';
import { nextResponse, request, response, serveAnswers, serveSpoken } from '../support/http.js';
import { freePort } from '../support/ports.js';
import { connect, converse, HEADER, turns } from '../support/sockets.js';
import { startUsherBefore } from '../support/usher.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const UPGRADE = request('/chat', [
  'Connection: Upgrade',
  'Upgrade: websocket',
  `Sec-WebSocket-Key: ${KEY}`,
  'Sec-WebSocket-Version: 13',
]);

t.test('what stands behind a refused upgrade is no request, also when usher refuses it', async t => {
  const usher = await startUsherBefore(t, await freePort());
  const text = await converse(t, usher.port, HEADER + UPGRADE + request('/smuggled'));
  t.match(text, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
  t.equal(text.match(/HTTP\/1\.1 /g)?.length, 1, 'one answer, and the end');
  t.same(
    usher.seen.exchanges.map(exchange => exchange.target),
    ['/chat'],
  );
});

t.test('a client that pipelines and reads nothing is cut, however its responses arrive', async t => {
  const backend = await serveSpoken(t, server => {
    const answer = () => {
      server.send('HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n');
      setImmediate(() => server.send('x'.repeat(60_000)));
    };
    server.socket.on('data', answer);
    answer();
  });
  const usher = await startUsherBefore(t, backend.port, { timeouts: { responseMs: 300 } });
  const client = await connect(t, usher.port, HEADER);
  client.socket.pause();
  client.send(request('/').repeat(3_000));
  await usher.seen.atRest();
  t.same(usher.seen.codes, ['client-stalled']);
});

for (const [name, stray] of [
  ['a response that nobody asked for', response('for others')],
  ['an end', undefined],
] as const) {
  for (const method of ['GET', 'POST']) {
    t.test(`${name} that comes on an idle connection right behind a ${method} for it meets no request`, async t => {
      const backend = await serveAnswers(t, () => response('yours'));
      const usher = await startUsherBefore(t, backend.port);
      const one = await connect(t, usher.port, HEADER + request('/'));
      await nextResponse(one);
      const other = await connect(t, usher.port, HEADER);
      await usher.seen.until(() => usher.seen.headers.length === 2);
      await turns(5);
      const idle = await backend.connection(0);
      // Both lie in the system before usher looks, the request first.
      other.send(request('/victim', ['Content-Length: 0'], method));
      if (stray === undefined) idle.socket.end();
      else idle.send(stray);
      t.equal((await nextResponse(other)).body.toString(), 'yours');
      t.same(usher.seen.codes, []);
    });
  }
}

t.test('a request that comes while usher drains and waits for the header is answered', async t => {
  const backend = await serveAnswers(t, () => response('paid'));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port);
  await usher.seen.until(() => usher.seen.opened === 1);
  usher.proxy.drain();
  client.send(HEADER + request('/pay', ['Content-Length: 0'], 'POST'));
  const text = await client.ended();
  t.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  t.match(text, /\r\nConnection: close\r\n[\s\S]*paid$/);
});

t.test('an upload that outlives the first bytes of its response is not cut', async t => {
  const backend = await serveSpoken(t, server => {
    server.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n');
  });
  const usher = await startUsherBefore(t, backend.port, { timeouts: { responseMs: 1_000 } });
  const size = 8_000_000;
  const client = await connect(t, usher.port, HEADER + request('/', ['Transfer-Encoding: chunked'], 'POST'));
  await client.until('early');
  const served = await backend.connection(0);
  served.socket.pause();
  client.send(`${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`);
  await turns(20);
  served.socket.resume();
  while (served.received.length < size) await served.change();
  // The upload goes on, piece by piece, until well behind the deadline that must not be left over from its stall.
  for (const until = performance.now() + 1_500; performance.now() < until; ) {
    client.send('1\r\nx\r\n');
    await served.change();
  }
  client.send('0\r\n\r\n');
  served.send('0\r\n\r\n');
  t.match(await client.ended(), /\r\n0\r\n\r\n$/);
  t.same(usher.seen.codes, []);
});

t.test('POST is not sent twice, not even when none of its body had come (RFC 9110 9.2.2)', async t => {
  const heads: string[] = [];
  const backend = await serveSpoken(t, server => {
    const look = () => {
      if (!server.text.endsWith('\r\n\r\n')) return;
      heads.push(server.text.split(' ', 1)[0] ?? '');
      server.received = Buffer.alloc(0);
      if (heads.length === 1) server.send(response('ok'));
      else server.socket.resetAndDestroy();
    };
    server.socket.on('change', look);
    look();
  });
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + request('/'));
  await client.until('ok');
  await turns(2);
  client.send(request('/pay', ['Content-Length: 5'], 'POST'));
  await client.until('502 backend-closed');
  t.same(heads, ['GET', 'POST']);
  client.socket.destroy();
});

t.test('a slow header of an untrusted peer does not pass for the payload of an optional one', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port, {
    protocol: 'tcp',
    proxyProtocol: 'optional',
    trustedSources: [],
    timeouts: { proxyHeaderMs: 100 },
  });
  const client = await connect(t, usher.port, HEADER.slice(0, -1));
  await client.ended();
  t.same(usher.seen.codes, ['header-timeout']);
  t.equal(backend.connections.length, 0);
});

t.test('a LOCAL header does not say what scheme a client speaks', async t => {
  const backend = await serveAnswers(t, head => response(/X-Forwarded-Proto: (\w+)/.exec(head)?.[1] ?? 'none'));
  const usher = await startUsherBefore(t, backend.port);
  const local = Buffer.from('0d0a0d0a000d0a515549540a200000082000050100000000', 'hex').toString('latin1');
  t.match(await converse(t, usher.port, local + request('/', ['Connection: close'])), /\r\n\r\nhttp$/);
});

t.test('a backend that is slow to say 100 is to blame itself', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port, { timeouts: { requestBodyMs: 60, responseMs: 250 } });
  const fields = ['Content-Length: 5', 'Expect: 100-continue'];
  const text = await converse(t, usher.port, HEADER + request('/', fields, 'POST'));
  t.match(text, /504 backend-response-timeout/);
});

t.test('more names in Connection than a call can have arguments are no mistake of ours', async t => {
  const backend = await serveAnswers(t, () => response('ok'));
  const usher = await startUsherBefore(t, backend.port, { limits: { headBytes: 1 << 20 } });
  const client = await connect(t, usher.port, HEADER + request('/', [`Connection: ${'a,'.repeat(300_000)}`]));
  t.match(await client.until('ok'), /^HTTP\/1\.1 200 OK/);
  client.socket.destroy();
});

t.test('what is ended by closing is counted once, and not as the fault of the client', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  await connect(t, usher.port, HEADER + request('/'));
  await backend.connection(0);
  await Promise.all([usher.proxy.close(), usher.proxy.close()]);
  t.same(usher.seen.codes, ['drain-timeout']);
  t.same(
    usher.seen.exchanges.map(exchange => exchange.code),
    ['drain-timeout'],
  );
});

t.test('an early response reaches a slow reader whole while its upload goes on', async t => {
  const { blocks, hash } = content(16);
  const size = blocks.length << 20;
  const backend = await serveSpoken(t, ({ socket }) => {
    socket.removeAllListeners('data').resume();
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    new Source(socket, blocks).run().catch(() => {});
  });
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + request('/', ['Content-Length: 1000000000'], 'POST'));
  await client.until('\r\n\r\n');
  client.socket.removeAllListeners('data').pause();
  await standstill(() => relayed(usher));
  const pieces: Buffer[] = [client.received.subarray(client.text.indexOf('\r\n\r\n') + 4)];
  const piece = Buffer.alloc(65_536);
  for (let got = pieces[0]?.length ?? 0; got < size && client.ending === 'open'; ) {
    const bytes: Buffer = client.socket.read(Math.min(32_768, client.socket.readableLength)) ?? Buffer.alloc(0);
    pieces.push(bytes);
    got += bytes.length;
    if (client.socket.writableLength < 16 * piece.length) client.socket.write(piece);
    await turns(1);
  }
  t.equal(createHash('sha1').update(Buffer.concat(pieces)).digest('hex'), hash);
  t.match(usher.seen.exchanges, [{ status: 200, code: undefined }]);
  client.socket.resetAndDestroy();
});

const EVENTS = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n';

t.test('a client that closes while its events are silent is let go, and so is the backend', async t => {
  const backend = await serveSpoken(t, server => server.send(EVENTS));
  const usher = await startUsherBefore(t, backend.port, { timeouts: { responseMs: 60 } });
  const client = await connect(t, usher.port, HEADER + request('/'));
  await client.until('data: 1');
  client.socket.end();
  await usher.seen.atRest();
  t.match(usher.seen.exchanges, [{ status: 200, code: 'client-aborted' }]);
  t.same(usher.seen.codes, [], 'it is not our doing');
  await (await backend.connection(0)).ended();
  t.equal(usher.proxy.status().backends[0]?.endpoints[0]?.active, 0);
});

t.test('a client that had closed before its events began is let go, too', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port, { timeouts: { responseMs: 300 } });
  const client = await connect(t, usher.port, HEADER + request('/'));
  const served = await backend.connection(0);
  client.socket.end();
  await turns(5);
  served.send(EVENTS);
  await usher.seen.atRest();
  t.match(usher.seen.exchanges, [{ status: 200, code: 'client-aborted' }]);
});

t.test('a client that is done with asking gets its whole answer, in time', async t => {
  const backend = await serveSpoken(t, server => server.send(EVENTS));
  const usher = await startUsherBefore(t, backend.port, { timeouts: { responseMs: 1_000 } });
  const client = await connect(t, usher.port, HEADER + request('/'));
  const served = await backend.connection(0);
  client.socket.end();
  // Well behind the deadline: every piece begins it anew.
  for (let i = 2, until = performance.now() + 1_500; performance.now() < until; i += 1) {
    await client.until(`data: ${i - 1}\n`);
    served.send(`data: ${i}\n\n`);
  }
  served.socket.end();
  t.match(await client.ended(), /\r\n0\r\n\r\n$/);
  await usher.seen.atRest();
  t.match(usher.seen.exchanges, [{ status: 200, code: undefined }]);
});

t.test('a limit between two pieces holds for a client that has ended, too', async t => {
  const backend = await serveSpoken(t, server => server.send(EVENTS));
  const usher = await startUsherBefore(t, backend.port, { timeouts: { responseMs: 60_000, responseBodyMs: 60 } });
  const client = await connect(t, usher.port, HEADER + request('/'));
  client.socket.end();
  await usher.seen.atRest();
  t.same(usher.seen.codes, ['backend-response-stalled']);
});

t.test('a trailer that Connection names goes no further, in either direction (RFC 9110 7.6.1)', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const post = request('/', ['Transfer-Encoding: chunked', 'Connection: X-Hop'], 'POST');
  const client = await connect(t, usher.port, `${HEADER}${post}1\r\na\r\n0\r\nx-hop: 1\r\nX-Up: 2\r\n\r\n`);
  const served = await backend.connection(0);
  t.match(await served.until('X-Up: 2\r\n\r\n'), /\r\n0\r\nX-Up: 2\r\n\r\n$/);
  served.send('HTTP/1.1 200 OK\r\nConnection: x-down\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
  served.send('0\r\nX-Sum: 3\r\nX-Down: 4\r\n\r\n');
  t.same((await nextResponse(client)).trailers, [['X-Sum', '3']]);
});
