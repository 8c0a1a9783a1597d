/** HTTP from a client through usher to a backend and back. */
import { createHash } from 'node:crypto';
import type http from 'node:http';
import t, { type Test } from 'tap';
import { content, leftovers, NOTHING_LEFT, relayed, Sink, Source, standstill } from '../support/flow.js';
import { field, nextResponse, request, response, serveAnswers, serveHttp, serveSpoken, take } from '../support/http.js';
import { deafPort, freePort } from '../support/ports.js';
import { backendSettings, listenerSettings } from '../support/settings.js';
import { connect, HEADER, type RawClient, sendPieces, turns } from '../support/sockets.js';
import { type RunningUsher, startUsher, startUsherBefore } from '../support/usher.js';

const GET = request('/');

function headerFor(address: string): string {
  return `PROXY TCP4 ${address} 10.0.1.20 51234 443\r\n`;
}

/** What the backend of node:http saw of a request. */
interface Echo {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly bytes: number;
  readonly hash: string;
}

const echo: http.RequestListener = (req, res) => {
  const hash = createHash('sha1');
  let bytes = 0;
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    hash.update(chunk);
  });
  req.on('end', () => {
    const { method, url, rawHeaders } = req;
    res.end(JSON.stringify({ method, url, rawHeaders, bytes, hash: hash.digest('hex') }));
  });
};

async function echoed(client: RawClient): Promise<Echo> {
  return JSON.parse((await nextResponse(client)).body.toString()) as Echo;
}

/** All values of a field in raw headers. */
function values(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

async function startEcho(t: Test): Promise<RunningUsher> {
  return startUsherBefore(t, (await serveHttp(t, echo)).port);
}

// ---- one connection, many requests ----

t.test('a connection carries one request after the other, over one connection to the backend', async t => {
  const backend = await serveAnswers(t, (_head, index) => response(`answer ${index}`));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER);
  for (let i = 0; i < 5; i += 1) {
    client.send(GET);
    t.equal((await nextResponse(client)).body.toString(), `answer ${i}`);
  }
  t.equal(backend.connections.length, 1);
  t.equal(usher.seen.exchanges.length, 5);
  t.match(usher.seen.exchanges[4], { status: 200, method: 'GET', target: '/', backend: 'chat', upgraded: false });
});

t.test('pipelined requests are answered in order, whatever a method does', async t => {
  const usher = await startEcho(t);
  const client = await connect(t, usher.port, HEADER);
  const post = (target: string, body: string) => request(target, [`Content-Length: ${body.length}`], 'POST') + body;
  client.send(
    request('/1') + post('/2', 'ab') + request('/3', [], 'HEAD') + post('/4', '') + request('/5', [], 'DELETE'),
  );
  t.match(await echoed(client), { url: '/1', method: 'GET' });
  t.match(await echoed(client), { url: '/2', method: 'POST', bytes: 2 });
  t.equal((await nextResponse(client, 'HEAD')).status, 200);
  t.match(await echoed(client), { url: '/4', bytes: 0 });
  t.match(await echoed(client), { url: '/5', method: 'DELETE' });
});

t.test('a second request that comes while the first waits is answered behind it', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + request('/1'));
  const served = await backend.connection(0);
  await served.until('\r\n\r\n');
  await sendPieces(client, [request('/2'), request('/3')]);
  t.notMatch(served.text, '/2', 'it waits its turn');
  served.send(response('one'));
  const second = await backend.connection(1);
  await second.until('GET /2');
  t.notMatch(`${served.text}${second.text}`, '/3');
  second.send(response('two'));
  await served.until('GET /3');
  served.send(response('three'));
  const bodies = [await nextResponse(client), await nextResponse(client), await nextResponse(client)];
  t.same(
    bodies.map(({ body }) => body.toString()),
    ['one', 'two', 'three'],
  );
});

t.test('a request may come byte by byte, and so may its response', async t => {
  const usher = await startUsherBefore(
    t,
    (
      await serveSpoken(t, client => {
        sendPieces(
          client,
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n',
        );
      })
    ).port,
  );
  const client = await connect(t, usher.port, HEADER);
  await sendPieces(client, `${request('/slow', ['Transfer-Encoding: chunked'], 'POST')}2\r\nhi\r\n0\r\n\r\n`);
  const { body, trailers } = await nextResponse(client);
  t.equal(body.toString(), 'abc');
  t.same(trailers, [['X-Sum', '6']]);
});

t.test(
  'a client that asks to close is closed behind the response, and one of HTTP/1.0 unless it asks to keep',
  async t => {
    const usher = await startEcho(t);
    const closing = await connect(t, usher.port, HEADER + request('/', ['Connection: close']));
    t.equal(field((await nextResponse(closing)).fields, 'connection'), 'close');
    await closing.ended();
    const old = await connect(t, usher.port, `${HEADER}GET /old HTTP/1.0\r\n\r\n`);
    const answer = await nextResponse(old);
    t.equal(field(answer.fields, 'connection'), 'close');
    t.match(JSON.parse(answer.body.toString()), { url: '/old' });
    t.match(
      values((JSON.parse(answer.body.toString()) as Echo).rawHeaders, 'host')[0],
      /^127\.0\.0\.1:\d+$/,
      'the endpoint stands for a missing Host',
    );
    await old.ended();
    const keeping = await connect(t, usher.port, `${HEADER}GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
    t.equal(field((await nextResponse(keeping)).fields, 'connection'), 'keep-alive');
    keeping.send(GET);
    t.equal((await nextResponse(keeping)).status, 200);
  },
);

t.test('a client that said close gets all of a large response, however slowly it reads', async t => {
  const { blocks, hash } = content(8);
  const backend = await serveAnswers(t, () => `HTTP/1.1 200 OK\r\nContent-Length: ${8 << 20}\r\n\r\n`);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + request('/', ['Connection: close']));
  const head = await client.until('\r\n\r\n');
  client.socket.pause();
  const served = await backend.connection(0);
  const sent = new Source(served.socket, blocks).run();
  await standstill(() => relayed(usher));
  const sink = new Sink(client.socket);
  client.socket.resume();
  await sent;
  t.equal(await sink.digest(8 << 20), hash);
  await client.ended();
  t.match([head.includes('\r\nConnection: close\r\n'), client.ending], [true, 'fin']);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

for (const line of ['POST / HTTP/1.0', 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close']) {
  t.test(`an empty line behind the body costs nobody the response (RFC 9112 2.2): ${line.slice(0, 15)}`, async t => {
    const { blocks, hash } = content(4);
    const backend = await serveAnswers(t, () => `HTTP/1.1 200 OK\r\nContent-Length: ${4 << 20}\r\n\r\n`);
    const usher = await startUsherBefore(t, backend.port);
    const client = await connect(t, usher.port, `${HEADER}${line}\r\nContent-Length: 0\r\n\r\n`);
    await client.until('\r\n\r\n');
    client.socket.pause();
    const served = await backend.connection(0);
    const sent = new Source(served.socket, blocks).run();
    await standstill(() => relayed(usher));
    client.send('\r\n');
    const sink = new Sink(client.socket);
    client.socket.resume();
    await sent;
    t.equal(await sink.digest(4 << 20), hash);
    await client.ended();
    t.equal(client.ending, 'fin');
  });
}

t.test('a connection ends behind as many requests as it may have', async t => {
  const { port } = await serveHttp(t, echo);
  const usher = await startUsherBefore(t, port, { limits: { requestsPerConnection: 2 } });
  const client = await connect(t, usher.port, HEADER + GET + GET + GET);
  t.equal(field((await nextResponse(client)).fields, 'connection'), undefined);
  t.equal(field((await nextResponse(client)).fields, 'connection'), 'close');
  t.equal(await client.ended(), '');
});

t.test('an idle connection is closed without a word when its time is over', async t => {
  const { port } = await serveHttp(t, echo);
  const usher = await startUsherBefore(t, port, { timeouts: { keepAliveMs: 30 } });
  const client = await connect(t, usher.port, HEADER + GET);
  await nextResponse(client);
  t.equal(await client.ended(), '');
  t.same(usher.seen.refusals, []);
});

t.test('a client that ends its side behind a request still gets the response', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  client.socket.end();
  const served = await backend.connection(0);
  await turns(5);
  t.equal(served.ending, 'open');
  served.send(response('late'));
  t.match(await client.ended(), /late$/);
  await usher.seen.atRest();
  t.same(usher.seen.refusals, []);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

// ---- bodies ----

t.test('bodies go up by length and in chunks, whatever the method', async t => {
  const usher = await startEcho(t);
  const client = await connect(t, usher.port, HEADER);
  const hash = createHash('sha1').update('hello, world').digest('hex');
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'GET', 'OPTIONS']) {
    client.send(`${request('/', ['Content-Length: 12'], method)}hello, world`);
    const byLength = await echoed(client);
    t.match(byLength, { method, bytes: 12, hash });
    t.same(values(byLength.rawHeaders, 'content-length'), ['12']);
    client.send(`${request('/', ['Transfer-Encoding: chunked'], method)}5;a=b\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n`);
    const chunked = await echoed(client);
    t.match(chunked, { method, bytes: 12, hash });
    t.same(values(chunked.rawHeaders, 'transfer-encoding'), ['chunked']);
    t.same(values(chunked.rawHeaders, 'content-length'), []);
  }
});

t.test('a body whose length comes in the same segment as half of the next request is cut rightly', async t => {
  const usher = await startEcho(t);
  const client = await connect(t, usher.port, HEADER);
  await sendPieces(client, [
    `${request('/1', ['Content-Length: 4'], 'POST')}bodyGET /2 HT`,
    'TP/1.1\r\nHost: x\r\n\r\n',
  ]);
  t.match(await echoed(client), { url: '/1', bytes: 4 });
  t.match(await echoed(client), { url: '/2', bytes: 0 });
});

const EIGHT = 8 * (1 << 20);

for (const framing of ['length', 'chunks'] as const) {
  t.test(`8 MiB go up by ${framing} and arrive as they were`, async t => {
    const usher = await startEcho(t);
    const { blocks, hash } = content(8);
    const client = await connect(t, usher.port, HEADER);
    const fields = framing === 'length' ? [`Content-Length: ${EIGHT}`] : ['Transfer-Encoding: chunked'];
    client.send(request('/', fields, 'PUT'));
    for (const block of blocks) {
      if (framing === 'chunks') client.send(`${block.length.toString(16)}\r\n`);
      client.send(block);
      if (framing === 'chunks') client.send('\r\n');
    }
    if (framing === 'chunks') client.send('0\r\n\r\n');
    t.match(await echoed(client), { bytes: EIGHT, hash });
    client.send(GET);
    t.match(await echoed(client), { bytes: 0 }, 'and the connection is in order');
  });

  t.test(`8 MiB come down by ${framing} and arrive as they were`, async t => {
    const { blocks, hash } = content(8);
    const { port } = await serveHttp(t, (_req, res) => {
      if (framing === 'length') res.setHeader('Content-Length', EIGHT);
      new Source(res, blocks).run().then(() => res.end());
    });
    const usher = await startUsherBefore(t, port);
    const client = await connect(t, usher.port, HEADER + GET);
    for (let i = 0; i < 2; i += 1) {
      const { body } = await nextResponse(client);
      t.equal(createHash('sha1').update(body).digest('hex'), hash);
      client.send(GET);
    }
  });
}

t.test('8 MiB that end with the connection come down in chunks, or until close for HTTP/1.0', async t => {
  const { blocks, hash } = content(8);
  const backend = await serveSpoken(t, ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    new Source(socket, blocks).run().then(() => socket.end());
  });
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  const answer = await nextResponse(client);
  t.equal(field(answer.fields, 'transfer-encoding'), 'chunked');
  t.equal(createHash('sha1').update(answer.body).digest('hex'), hash);
  t.equal(field(answer.fields, 'connection'), undefined, 'the client keeps its connection');
  const old = await connect(t, usher.port, `${HEADER}GET / HTTP/1.0\r\n\r\n`);
  await old.until('\r\n\r\n');
  t.notMatch(old.text.slice(0, 200), /transfer-encoding/i);
  old.received = old.received.subarray(old.received.indexOf('\r\n\r\n') + 4);
  const sink = new Sink(old.socket);
  sink.take(old.received);
  t.equal(await sink.digest(EIGHT), hash);
});

t.test('trailers go both ways, and a trailer that forges is refused', async t => {
  const { port } = await serveHttp(t, (req, res) => {
    req.resume().on('end', () => {
      res.writeHead(200, { Trailer: 'X-Sum' });
      res.write('body');
      res.addTrailers({ 'X-Sum': `${req.trailers['x-up']}` });
      res.end();
    });
  });
  const usher = await startUsherBefore(t, port);
  const post = request('/', ['Transfer-Encoding: chunked', 'Trailer: X-Up'], 'POST');
  const client = await connect(t, usher.port, `${HEADER}${post}1\r\na\r\n0\r\nX-Up: seen\r\n\r\n`);
  const { trailers } = await nextResponse(client);
  t.same(trailers, [['X-Sum', 'seen']]);
  client.send(`${post}0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n`);
  t.equal((await nextResponse(client)).status, 400);
  await usher.seen.until(() => usher.seen.refusals.length === 1);
  t.same(usher.seen.codes, ['trailer-invalid']);
});

t.test('204, 304 and HEAD have no body, whatever they declare', async t => {
  const answers = ['200 OK\r\nContent-Length: 5', '304 Not Modified\r\nContent-Length: 5', '204 No Content'];
  const backend = await serveAnswers(t, (_head, index) => `HTTP/1.1 ${answers[index]}\r\n\r\n`);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + request('/', [], 'HEAD'));
  const head = await nextResponse(client, 'HEAD');
  t.equal(field(head.fields, 'content-length'), '5');
  client.send(GET);
  const unchanged = await nextResponse(client);
  t.equal(unchanged.status, 304);
  t.equal(field(unchanged.fields, 'content-length'), '5');
  client.send(GET);
  const none = await nextResponse(client);
  t.equal(none.status, 204);
  t.equal(field(none.fields, 'transfer-encoding'), undefined);
  t.equal(backend.connections.length, 1, 'each left the backend connection in order');
});

t.test('100 Continue is asked for, given and followed by the answer', async t => {
  const { port } = await serveHttp(t, echo);
  const usher = await startUsherBefore(t, port);
  const client = await connect(t, usher.port, HEADER);
  client.send(request('/', ['Content-Length: 5', 'Expect: 100-continue'], 'POST'));
  t.equal((await nextResponse(client)).status, 100);
  client.send('hello');
  t.match(await echoed(client), { bytes: 5 });
});

t.test('an expectation that is refused is answered at once, and the body need not come', async t => {
  const backend = await serveAnswers(t, () => response('no', [], '413 Content Too Large'));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER);
  client.send(request('/', ['Content-Length: 5', 'Expect: 100-continue'], 'POST'));
  const { status, fields } = await nextResponse(client);
  t.equal(status, 413);
  t.equal(field(fields, 'connection'), 'close', 'a body may still come, so the connection is spent');
});

t.test('103 is relayed before the answer, and not to a client of HTTP/1.0', async t => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n';
  const backend = await serveAnswers(t, () => hints + hints + response('ok'));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  for (let i = 0; i < 2; i += 1) {
    const hint = await nextResponse(client);
    t.equal(hint.status, 103);
    t.equal(field(hint.fields, 'link'), '</a.css>; rel=preload');
  }
  t.equal((await nextResponse(client)).body.toString(), 'ok');
  const old = await connect(t, usher.port, `${HEADER}GET / HTTP/1.0\r\n\r\n`);
  t.equal((await nextResponse(old)).status, 200);
});

t.test('a backend that goes on saying 103 is broken off', async t => {
  const backend = await serveAnswers(t, () => 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(40));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  await client.until('502 ');
  await usher.seen.until(() => usher.seen.codes.includes('backend-response-invalid'));
});

t.test('an answer that comes before the upload ends is relayed, and the connection closes', async t => {
  const backend = await serveAnswers(t, () => response('enough', [], '413 Content Too Large'));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER);
  client.send(request('/', ['Content-Length: 1000000'], 'POST'));
  client.send(Buffer.alloc(100_000));
  const { status, body, fields } = await nextResponse(client);
  t.same([status, body.toString()], [413, 'enough']);
  t.equal(field(fields, 'connection'), 'close');
  client.send(Buffer.alloc(100_000));
  t.equal(await client.ended(), '', 'what still comes is not a request');
  client.socket.end();
  await usher.seen.atRest();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('an upload goes on while its answer already comes', async t => {
  const { port } = await serveHttp(t, (req, res) => {
    res.writeHead(200);
    req.pipe(res);
  });
  const usher = await startUsherBefore(t, port);
  const client = await connect(t, usher.port, HEADER);
  client.send(`${request('/', ['Content-Length: 6'], 'POST')}abc`);
  await client.until('abc\r\n');
  client.send('def');
  const { body, fields } = await nextResponse(client);
  t.equal(body.toString(), 'abcdef');
  t.equal(field(fields, 'connection'), 'close', 'decided when the upload was still open');
});

t.test('what a backend sends behind the end of its response reaches nobody', async t => {
  const backend = await serveSpoken(t, client => client.send(`${response('five!')}${response('smuggled')}`));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  t.equal((await nextResponse(client)).body.toString(), 'five!');
  client.send(GET);
  t.equal((await nextResponse(client)).body.toString(), 'five!');
  t.equal(backend.connections.length, 2, 'the first connection was not used again');
});

t.test('event streams come as they are sent', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  const served = await backend.connection(0);
  served.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (const event of ['one', 'two', 'six']) {
    served.send(`8\r\ndata:${event}\r\n`);
    await client.until(`data:${event}`);
  }
});

// ---- who the client is ----

t.test('forged forwarding fields are gone on every request of a connection', async t => {
  const usher = await startEcho(t);
  const client = await connect(t, usher.port, HEADER);
  const forged = [
    'X-Forwarded-For: 6.6.6.6',
    'x_forwarded_for: 6.6.6.6',
    'X-FORWARDED-FOR: 7.7.7.7',
    'Forwarded: for=6.6.6.6',
    'X-Real-IP: 6.6.6.6',
    'x_real_ip: 6.6.6.6',
    'X-Forwarded-Proto: ftp',
    'X-Forwarded-Host: evil',
    'X-Forwarded-Port: 1',
    'X-Forwarded-Server: evil',
    'Connection: X-Forwarded-For, X-Real-IP, keep-alive',
  ];
  for (let i = 0; i < 3; i += 1) {
    client.send(request('/', forged));
    const { rawHeaders } = await echoed(client);
    t.same(values(rawHeaders, 'x-forwarded-for'), ['203.0.113.9']);
    t.same(values(rawHeaders, 'x-real-ip'), ['203.0.113.9']);
    t.same(values(rawHeaders, 'x-forwarded-proto'), ['https']);
    t.same(values(rawHeaders, 'x-forwarded-port'), ['443']);
    t.same(values(rawHeaders, 'x-forwarded-host'), ['chat.example']);
    t.notMatch(rawHeaders.join('\n'), /6\.6\.6\.6|7\.7\.7\.7|evil|ftp|_/);
    t.same(values(rawHeaders, 'forwarded'), []);
  }
});

t.test('Forwarded is written when it is asked for', async t => {
  const { port } = await serveHttp(t, echo);
  const usher = await startUsherBefore(t, port, { forwarded: true });
  const client = await connect(t, usher.port, `PROXY TCP6 2001:DB8::9 2001:db8::1 51234 80\r\n${GET}`);
  const { rawHeaders } = await echoed(client);
  t.same(values(rawHeaders, 'forwarded'), ['for="[2001:db8::9]:51234";proto=http;host="chat.example"']);
  t.same(values(rawHeaders, 'x-forwarded-for'), ['2001:db8::9']);
});

/** The same sequence in every run: a linear congruential generator. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return sides => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

t.test('clients that share the connections of the pool are never mixed up', async t => {
  let open = 0;
  const { port, server } = await serveHttp(t, (req, res) => {
    req.resume().on('end', () => res.end(`${req.url} ${req.headers['x-forwarded-for']}`));
  });
  server.on('connection', () => {
    open += 1;
  });
  const usher = await startUsherBefore(t, port);
  const roll = dice(7);
  const clients = await Promise.all(
    Array.from({ length: 6 }, async (_, index) => {
      const address = `203.0.113.${index + 1}`;
      return { address, client: await connect(t, usher.port, headerFor(address)), asked: 0 };
    }),
  );
  for (let round = 0; round < 150; round += 1) {
    const chosen = clients.filter(() => roll(3) > 0);
    const answers = chosen.map(async one => {
      one.asked += 1;
      const target = `/${one.address}/${one.asked}`;
      const body = roll(2) === 0 ? '' : 'x'.repeat(roll(500));
      const text = request(target, [`Content-Length: ${body.length}`, 'X-Forwarded-For: 6.6.6.6'], 'POST') + body;
      const cut = roll(text.length);
      one.client.send(text.slice(0, cut));
      if (roll(2) === 0) await turns(1);
      one.client.send(text.slice(cut));
      return (await nextResponse(one.client)).body.toString() === `${target} ${one.address}`;
    });
    const right = await Promise.all(answers);
    if (right.includes(false)) t.fail(`round ${round}: an answer of somebody else`);
  }
  t.equal(
    usher.seen.exchanges.length,
    clients.reduce((sum, one) => sum + one.asked, 0),
  );
  t.ok(open <= 7, `${open} connections to the backend, one of them the check`);
});

t.test('order, case and repeats of the fields stay, hop-by-hop fields go', async t => {
  const usher = await startEcho(t);
  const client = await connect(t, usher.port, HEADER);
  client.send(
    request('/', [
      'ACCEPT: a',
      'X-b: 1',
      'accept: b',
      'x-B: 2',
      'Connection: x-hop, close, te',
      'X-Hop: gone',
      'TE: trailers',
      'Keep-Alive: timeout=9',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic x',
      'Upgrade: h2c',
      'Cookie: a=b',
    ]),
  );
  const { rawHeaders } = await echoed(client);
  t.same(rawHeaders.slice(0, 12), [
    'Host',
    'chat.example',
    'ACCEPT',
    'a',
    'X-b',
    '1',
    'accept',
    'b',
    'x-B',
    '2',
    'Cookie',
    'a=b',
  ]);
  t.notMatch(rawHeaders.join('\n'), /hop|proxy-|h2c|keep-alive: timeout/i);
});

t.test('repeated Set-Cookie fields come down apart, in order', async t => {
  const { port } = await serveHttp(t, (_req, res) => {
    res.setHeader('Set-Cookie', ['a=1', 'b=2; Path=/', 'a=3']);
    res.setHeader('X-CaSe', 'kept');
    res.end();
  });
  const usher = await startUsherBefore(t, port);
  const { fields } = await nextResponse(await connect(t, usher.port, HEADER + GET));
  t.same(fields.slice(0, 4), [
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2; Path=/'],
    ['Set-Cookie', 'a=3'],
    ['X-CaSe', 'kept'],
  ]);
});

t.test('targets reach the backend as they were, an absolute one as its path and Host', async t => {
  const usher = await startEcho(t);
  const client = await connect(t, usher.port, HEADER);
  for (const target of ['//double//slash', '/a/../b/%2e%2E/?q=1&r=%00', '/?', '/ü'.replace('ü', '%C3%BC')]) {
    client.send(request(target));
    t.equal((await echoed(client)).url, target);
  }
  client.send(request('http://other.example:81/path?q'));
  const { url, rawHeaders } = await echoed(client);
  t.equal(url, '/path?q');
  t.same(values(rawHeaders, 'host'), ['other.example:81']);
  t.same(values(rawHeaders, 'x-forwarded-host'), ['other.example:81']);
  client.send(request('*', [], 'OPTIONS'));
  t.equal((await echoed(client)).url, '*');
});

// ---- where it goes ----

t.test('routes choose the backend by path and host, and what matches none is 404', async t => {
  const ports = await Promise.all(
    ['one', 'two', 'three'].map(async name => (await serveAnswers(t, () => response(name))).port),
  );
  const backends = ports.map((port, index) => backendSettings([port], { name: `b${index + 1}` }));
  const routes = [
    { host: 'api.example', path: '/', backend: 'b3' },
    { host: undefined, path: '/socket.io/', backend: 'b1' },
    { host: undefined, path: '/web', backend: 'b2' },
  ];
  const usher = await startUsher(t, [listenerSettings({ routes })], backends);
  const client = await connect(t, usher.port, HEADER);
  const ask = async (target: string, host = 'chat.example') => {
    client.send(request(target).replace('chat.example', host));
    const { status, body } = await nextResponse(client);
    return status === 200 ? body.toString() : `${status} ${body}`;
  };
  t.equal(await ask('/socket.io/?EIO=4'), 'one');
  t.equal(await ask('/web/page'), 'two');
  t.equal(await ask('/anything', 'API.example:8080'), 'three');
  t.match(await ask('/website'), /^404 404 route-missing: /);
  t.equal(await ask('/web'), 'two', 'the connection goes on behind a 404');
  t.same(usher.seen.codes, ['route-missing']);
  t.match(usher.seen.exchanges[3], { backend: 'none', status: 404, code: 'route-missing', endpoint: undefined });
});

t.test('requests of one connection are spread over the endpoints', async t => {
  const ports = await Promise.all(['one', 'two'].map(async name => (await serveAnswers(t, () => response(name))).port));
  const usher = await startUsher(t, [listenerSettings()], [backendSettings(ports)]);
  const client = await connect(t, usher.port, HEADER);
  const bodies = new Set<string>();
  for (let i = 0; i < 4; i += 1) {
    client.send(GET);
    bodies.add((await nextResponse(client)).body.toString());
  }
  t.same([...bodies].sort(), ['one', 'two']);
});

// ---- what goes wrong at the backend ----

t.test('a backend that is down is 502, and the connection goes on', async t => {
  const port = await freePort();
  const usher = await startUsherBefore(t, port);
  const client = await connect(t, usher.port, HEADER + GET);
  const { status, body, fields } = await nextResponse(client);
  t.equal(status, 502);
  t.equal(body.toString(), '502 backend-unreachable: the backend could not be reached\n');
  t.equal(field(fields, 'content-type'), 'text/plain; charset=utf-8');
  t.equal(field(fields, 'connection'), 'keep-alive');
  client.send(request('/', [], 'HEAD'));
  t.equal((await nextResponse(client, 'HEAD')).status, 502);
  client.send(GET);
  t.equal((await nextResponse(client)).status, 502, 'an answer to HEAD has no body');
  t.same(usher.seen.codes, Array(3).fill('backend-unreachable'));
  t.match(usher.seen.exchanges[0], { status: 502, endpoint: `127.0.0.1:${port}`, backend: 'chat' });
});

t.test('a backend that does not accept in time is 504', async t => {
  const port = await deafPort(t);
  const usher = await startUsher(t, [listenerSettings()], [backendSettings([port], { timeouts: { connectMs: 30 } })]);
  const { status, body } = await nextResponse(await connect(t, usher.port, HEADER + GET));
  t.equal(status, 504);
  t.match(body.toString(), /^504 backend-connect-timeout: /);
});

t.test('a backend that does not answer in time is 504, and what it says later reaches nobody', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port, { timeouts: { responseMs: 1_000 } });
  const client = await connect(t, usher.port, HEADER + GET);
  const { status, body } = await nextResponse(client);
  t.equal(status, 504);
  t.match(body.toString(), /^504 backend-response-timeout: /);
  t.same(usher.seen.codes, ['backend-response-timeout']);
  await (await backend.connection(0)).ended();
  client.send(GET);
  const second = await backend.connection(1);
  second.send(response('in time'));
  t.equal((await nextResponse(client)).body.toString(), 'in time');
});

const malformed: readonly { name: string; bytes: string }[] = [
  { name: 'no HTTP', bytes: 'SSH-2.0-OpenSSH\r\n' },
  { name: 'both framings', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n' },
  { name: 'two lengths', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n' },
  { name: 'a bare line feed', bytes: 'HTTP/1.1 200 OK\nContent-Length: 0\n\n' },
  { name: 'a head that is too large', bytes: `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}\r\n\r\n` },
];

for (const { name, bytes } of malformed) {
  t.test(`a response that is malformed (${name}) is 502`, async t => {
    const backend = await serveAnswers(t, () => bytes);
    const usher = await startUsherBefore(t, backend.port);
    const { status, body } = await nextResponse(await connect(t, usher.port, HEADER + GET));
    t.equal(status, 502);
    t.match(body.toString(), /^502 backend-response-invalid: /);
    await (await backend.connection(0)).ended();
    t.same(usher.seen.codes, ['backend-response-invalid']);
  });
}

t.test('a backend that closes instead of answering is 502', async t => {
  const backend = await serveSpoken(t, ({ socket }) => socket.end());
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  const { status, body } = await nextResponse(client);
  t.equal(status, 502);
  t.match(body.toString(), /^502 backend-closed: /);
});

t.test('a response that breaks off is cut, so that the client can see it', async t => {
  const heads = [
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n',
  ];
  for (const head of heads) {
    const backend = await serveSpoken(t, client => {
      client.send(head);
      client.socket.end();
    });
    const usher = await startUsherBefore(t, backend.port);
    const client = await connect(t, usher.port, HEADER + GET);
    const text = await client.ended();
    t.match(text, /half/);
    t.notMatch(text, /0\r\n\r\n$/);
    const code = head.endsWith('zz\r\n') ? 'backend-response-invalid' : 'backend-response-truncated';
    t.same(usher.seen.codes, [code]);
    t.match(usher.seen.exchanges, [{ status: 200, code }]);
  }
});

t.test('a response whose end is the end of the connection is reset when it breaks off', async t => {
  const backend = await serveSpoken(t, client => client.send('HTTP/1.0 200 OK\r\n\r\nhalf'));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, `${HEADER}GET / HTTP/1.0\r\n\r\n`);
  await client.until('half');
  (await backend.connection(0)).socket.resetAndDestroy();
  await client.ended();
  t.equal(client.ending, 'ECONNRESET');
  t.same(usher.seen.codes, ['backend-response-truncated']);
});

t.test('a backend that stops in the middle of its response is given up when there is a limit', async t => {
  const backend = await serveSpoken(t, client => client.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'));
  const usher = await startUsherBefore(t, backend.port, { timeouts: { responseBodyMs: 30 } });
  const client = await connect(t, usher.port, HEADER + GET);
  t.match(await client.ended(), /half$/);
  t.same(usher.seen.codes, ['backend-response-stalled']);
});

// ---- what goes wrong at the client ----

const refused: readonly { name: string; bytes: string; status: number; code: string }[] = [
  { name: 'no HTTP', bytes: '\x16\x03\x01\r\n\r\n', status: 400, code: 'method-invalid' },
  { name: 'no Host', bytes: 'GET / HTTP/1.1\r\n\r\n', status: 400, code: 'host-missing' },
  {
    name: 'both framings',
    bytes: request('/', ['Content-Length: 1', 'Transfer-Encoding: chunked'], 'POST'),
    status: 400,
    code: 'framing-ambiguous',
  },
  { name: 'another version', bytes: 'GET / HTTP/2.0\r\n\r\n', status: 505, code: 'version-unsupported' },
  { name: 'a long line', bytes: `GET /${'x'.repeat(9_000)}`, status: 414, code: 'start-line-too-long' },
  { name: 'a large head', bytes: request('/', [`X: ${'x'.repeat(33_000)}`]), status: 431, code: 'head-too-large' },
  { name: 'many fields', bytes: request('/', Array(101).fill('X: y')), status: 431, code: 'too-many-fields' },
  { name: 'CONNECT', bytes: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', status: 501, code: 'method-refused' },
];

for (const { name, bytes, status, code } of refused) {
  t.test(`a request with ${name} is answered ${status} and the connection closes`, async t => {
    const backend = await serveSpoken(t);
    const usher = await startUsherBefore(t, backend.port);
    const client = await connect(t, usher.port, HEADER + bytes + GET);
    const answer = await nextResponse(client);
    t.equal(answer.status, status);
    t.ok(answer.body.toString().startsWith(`${status} ${code}: `), answer.body.toString());
    t.equal(field(answer.fields, 'connection'), 'close');
    t.equal(await client.ended(), '', 'what follows is not a request');
    t.equal(backend.connections.length, 0);
    t.same(usher.seen.codes, [code]);
    t.match(usher.seen.exchanges, [{ status, code, method: undefined, target: undefined, backend: 'none' }]);
  });
}

t.test('a chunk that is malformed is 400, and the backend does not take the body for whole', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + request('/', ['Transfer-Encoding: chunked'], 'POST'));
  const served = await backend.connection(0);
  client.send('3\r\nabc\r\nxyz\r\n');
  t.equal((await nextResponse(client)).status, 400);
  t.match(await served.ended(), /3\r\nabc\r\n$/);
  t.same(usher.seen.codes, ['chunk-invalid']);
});

t.test('a head that does not come in time is 408, in total', async t => {
  const { port } = await serveHttp(t, echo);
  const usher = await startUsherBefore(t, port, { timeouts: { requestHeadMs: 40 } });
  const client = await connect(t, usher.port, `${HEADER}GET / HTTP/1.1\r\n`);
  const drip = setInterval(() => client.send('X: y\r\n'), 5);
  t.teardown(() => clearInterval(drip));
  const { status, body } = await nextResponse(client);
  clearInterval(drip);
  t.equal(status, 408);
  t.match(body.toString(), /^408 head-timeout: /);
});

t.test('a body that stops coming is 408', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port, { timeouts: { requestBodyMs: 30 } });
  const client = await connect(t, usher.port, `${HEADER}${request('/', ['Content-Length: 9'], 'POST')}half`);
  const { status, body } = await nextResponse(client);
  t.equal(status, 408);
  t.match(body.toString(), /^408 body-timeout: /);
  t.match(await (await backend.connection(0)).ended(), /half$/);
});

t.test('a backend that does not take a request in time is 504', async t => {
  const backend = await serveSpoken(t, ({ socket }) => socket.pause());
  const usher = await startUsherBefore(t, backend.port, { timeouts: { responseMs: 60 } });
  const client = await connect(t, usher.port, HEADER + request('/', ['Content-Length: 100000000'], 'POST'));
  new Source(client.socket, content(64).blocks).run().catch(() => {});
  const { status } = await nextResponse(client);
  t.equal(status, 504);
  t.same(usher.seen.codes, ['backend-response-timeout']);
});

// ---- the pool ----

t.test('a GET on a pooled connection that dies is sent once more on a fresh one', async t => {
  const backend = await serveAnswers(t, (_head, index) => (index === 0 ? response('ok') : ''));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  await nextResponse(client);
  const first = await backend.connection(0);
  client.send(request('/again'));
  await turns(5);
  first.socket.destroy();
  t.equal((await nextResponse(client)).body.toString(), 'ok');
  t.equal(backend.connections.length, 2);
  t.same(usher.seen.codes, []);
});

t.test('it is sent once more only once', async t => {
  let connections = 0;
  const backend = await serveSpoken(t, client => {
    connections += 1;
    if (connections > 1) client.socket.destroy();
    else client.send(response('ok'));
  });
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  await nextResponse(client);
  client.send(GET);
  await turns(5);
  (await backend.connection(0)).socket.destroy();
  t.equal((await nextResponse(client)).status, 502);
  t.equal(connections, 2);
});

const again: readonly { name: string; first: string; rest?: string; twice: boolean }[] = [
  { name: 'a POST whose body was sent', first: `${request('/', ['Content-Length: 2'], 'POST')}hi`, twice: false },
  { name: 'a POST without a body', first: request('/', ['Content-Length: 0'], 'POST'), twice: false },
  { name: 'a PUT whose body was sent in part', first: `${request('/', ['Content-Length: 4'], 'PUT')}hi`, twice: false },
  {
    name: 'a PUT whose body has not begun',
    first: request('/', ['Content-Length: 2'], 'PUT'),
    rest: 'hi',
    twice: true,
  },
  { name: 'a DELETE', first: request('/', [], 'DELETE'), twice: true },
  { name: 'a PATCH', first: request('/', [], 'PATCH'), twice: false },
];

for (const { name, first, rest = '', twice } of again) {
  t.test(`${name} is ${twice ? '' : 'not '}sent once more`, async t => {
    const backend = await serveAnswers(t, (_head, index) => (index === 0 ? response('ok') : ''));
    const usher = await startUsherBefore(t, backend.port);
    const client = await connect(t, usher.port, HEADER + GET);
    await nextResponse(client);
    client.send(first);
    const pooled = await backend.connection(0);
    await turns(5);
    pooled.socket.destroy();
    await turns(5);
    client.send(rest);
    t.equal((await nextResponse(client)).status, twice ? 200 : 502);
    t.equal(backend.connections.length, twice ? 2 : 1);
  });
}

t.test('a pooled connection that answered in part is not asked again', async t => {
  const backend = await serveAnswers(t, (_head, index) => (index === 0 ? response('ok') : 'HTTP/1.1 2'));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  await nextResponse(client);
  client.send(GET);
  await turns(5);
  (await backend.connection(0)).socket.end();
  t.equal((await nextResponse(client)).status, 502);
  t.equal(backend.connections.length, 1);
});

t.test('a pooled connection that ends while it is idle is not used again', async t => {
  const backend = await serveAnswers(t, () => response('ok'));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  await nextResponse(client);
  const first = await backend.connection(0);
  first.send('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
  await first.ended();
  client.send(request('/', ['Content-Length: 2'], 'POST'));
  client.send('hi');
  t.equal((await nextResponse(client)).body.toString(), 'ok', 'nobody saw the 408');
  t.equal(backend.connections.length, 2);
});

t.test(
  'a backend that closes its connections, or keeps them for a second only, gets a fresh one each time',
  async t => {
    for (const word of ['Connection: close', 'Keep-Alive: timeout=1']) {
      const backend = await serveAnswers(t, () => response('ok', [word]));
      const usher = await startUsherBefore(t, backend.port);
      const client = await connect(t, usher.port, HEADER);
      for (let i = 0; i < 3; i += 1) {
        client.send(GET);
        const { fields } = await nextResponse(client);
        t.equal(field(fields, 'connection'), undefined, 'the client keeps its own');
        t.equal(field(fields, 'keep-alive'), undefined);
      }
      t.equal(backend.connections.length, 3, word);
    }
  },
);

t.test('an idle connection is given up when it is old', async t => {
  const backend = await serveAnswers(t, () => response('ok'));
  const usher = await startUsher(
    t,
    [listenerSettings()],
    [backendSettings([backend.port], { timeouts: { idleMs: 30 } })],
  );
  const client = await connect(t, usher.port, HEADER + GET);
  await nextResponse(client);
  await (await backend.connection(0)).ended();
  client.send(GET);
  await nextResponse(client);
  t.equal(backend.connections.length, 2);
});

t.test('what was read of one response is never part of the next', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + GET);
  const served = await backend.connection(0);
  await sendPieces(served, ['HTTP/1.1 200 OK\r\nContent-Le', 'ngth: 3\r\n\r\nab', 'c']);
  t.equal((await nextResponse(client)).body.toString(), 'abc');
  served.received = Buffer.alloc(0);
  client.send(GET);
  await served.until('GET ');
  await sendPieces(served, ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nxyz']);
  t.equal((await nextResponse(client)).body.toString(), 'xyz');
  t.equal((await take(client, 0)).length, 0);
});

t.test('the chunks of one arrival go on as one chunk', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  const client = await connect(t, usher.port, `${HEADER}${head}${'1\r\nx\r\n'.repeat(20)}0\r\n\r\n`);
  const request = await (await backend.connection(0)).until('\r\n0\r\n\r\n');
  t.match(request, /\r\n\r\n14\r\nx{20}\r\n0\r\n\r\n$/);
  client.socket.destroy();
});
