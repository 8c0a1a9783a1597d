/** Slow readers: whoever doesn't read pauses whoever writes, and memory stays bounded. Then all bytes arrive. */
import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import { content, leftovers, NOTHING_LEFT, relayed, Sink, Source, standstill } from '../support/flow.js';
import { heap } from '../support/heap.js';
import { nextResponse, request, response, serveAnswers, serveHttp, serveSpoken } from '../support/http.js';
import { connect, converse, HEADER, type RawClient, serve } from '../support/sockets.js';
import { type RunningUsher, startUsherBefore } from '../support/usher.js';

const SIZE = 100 * (1 << 20);
/** What the sockets of both connections may hold on the way, with room for a generous system. */
const ON_THE_WAY = 40 * (1 << 20);

const UPGRADE = request('/chat', [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
]);
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** Buffers that this process holds now, bytes. */
const buffered = () => process.memoryUsage().arrayBuffers;

/** Stops reading, and gives everything from now on to a sink that is started with what had come. */
function stopReading(client: RawClient): void {
  client.socket.removeAllListeners('data').pause();
}

function readOn(client: RawClient): Sink {
  const sink = new Sink(client.socket);
  client.socket.resume();
  return sink;
}

/** Runs a source into a side whose reader doesn't read, looks, reads on, and compares. */
async function holdsBack(t: Test, usher: RunningUsher, writer: RawClient, reader: RawClient): Promise<void> {
  const { blocks, hash } = content(100);
  const before = buffered();
  const source = new Source(writer.socket, blocks);
  const written = source.run();
  await standstill(() => relayed(usher));
  t.ok(source.accepted < ON_THE_WAY, `${source.accepted} of ${SIZE} bytes were accepted`);
  t.ok(buffered() - before < 16 * (1 << 20), `${buffered() - before} bytes more are held in this process`);
  const sink = readOn(reader);
  await written;
  t.equal(await sink.digest(SIZE), hash, 'all of them arrive');
}

for (const framing of ['Content-Length: 104857600', 'Connection: close']) {
  t.test(`a client that does not read its response (${framing}) pauses the backend`, async t => {
    const backend = await serveSpoken(t);
    const usher = await startUsherBefore(t, backend.port);
    const byClose = framing === 'Connection: close';
    const client = await connect(t, usher.port, HEADER + (byClose ? 'GET / HTTP/1.0\r\n\r\n' : request('/')));
    const served = await backend.connection(0);
    served.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
    await client.until('\r\n\r\n');
    stopReading(client);
    await holdsBack(t, usher, served, client);
    served.socket.end();
    client.socket.end();
    await usher.seen.atRest();
    t.match(usher.seen.exchanges, [{ status: 200, code: undefined }]);
    t.same(await leftovers(usher), NOTHING_LEFT);
  });
}

t.test('a backend that does not read its request pauses the client', async t => {
  const backend = await serveSpoken(t, client => {
    if (client.text.endsWith('\r\n\r\n')) stopReading(client);
  });
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + request('/', [`Content-Length: ${SIZE}`], 'PUT'));
  const served = await backend.connection(0);
  await holdsBack(t, usher, client, served);
  served.send(response('thanks'));
  t.equal((await nextResponse(client)).body.toString(), 'thanks');
  t.match(usher.seen.exchanges, [{ status: 200, code: undefined }]);
  t.equal(usher.proxy.status().backends[0]?.endpoints[0]?.idle, 1, 'the connection is as good as before');
});

for (const slow of ['client', 'backend'] as const) {
  t.test(`a ${slow} that does not read its tunnel pauses the other side`, async t => {
    const backend = await serveSpoken(t, client => client.send(SWITCHING));
    const usher = await startUsherBefore(t, backend.port);
    const client = await connect(t, usher.port, HEADER + UPGRADE);
    await nextResponse(client);
    const served = await backend.connection(0);
    const [reader, writer] = slow === 'client' ? [client, served] : [served, client];
    stopReading(reader);
    await holdsBack(t, usher, writer, reader);
    writer.socket.end();
    reader.socket.end();
    await usher.seen.atRest();
    t.same(await leftovers(usher), NOTHING_LEFT);
  });
}

t.test('a chunked response waits for a slow client too, and its last chunk comes', async t => {
  const { blocks, hash } = content(32);
  const { port } = await serveHttp(t, (_req, res) => {
    new Source(res, blocks).run().then(() => res.end());
  });
  const usher = await startUsherBefore(t, port);
  const client = await connect(t, usher.port, HEADER + request('/'));
  await client.until('\r\n\r\n');
  client.socket.pause();
  await standstill(() => relayed(usher));
  client.socket.resume();
  const { body } = await nextResponse(client);
  t.equal(createHash('sha1').update(body).digest('hex'), hash);
});

t.test('a client that takes nothing for too long is cut off', async t => {
  const { blocks } = content(100);
  const backend = await serveSpoken(t, ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6400000\r\n');
    new Source(socket, blocks).run().catch(() => {});
  });
  const usher = await startUsherBefore(t, backend.port, { timeouts: { responseMs: 1_000 } });
  const client = await connect(t, usher.port, HEADER + request('/'));
  await client.until('\r\n\r\n');
  stopReading(client);
  await usher.seen.atRest();
  t.match(usher.seen.exchanges, [{ status: 200, code: 'client-stalled' }]);
  t.same(usher.seen.codes, ['client-stalled'], 'at once, and told once');
  await (await backend.connection(0)).ended();
  t.equal(usher.proxy.status().backends[0]?.endpoints[0]?.active, 0);
});

t.test('requests sent without reading a response stop being read', async t => {
  const body = 'x'.repeat(10_000);
  const backend = await serveAnswers(t, () => response(body));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER);
  stopReading(client);
  const before = buffered();
  const some = Buffer.from(request('/').repeat(1_000));
  const count = 6_000;
  const source = new Source(client.socket, Array(count / 1_000).fill(some));
  const written = source.run();
  await standstill(() => relayed(usher));
  const answered = usher.seen.exchanges.length;
  t.ok(answered < count / 2, `${answered} of ${count} were answered`);
  t.ok(buffered() - before < 16 * (1 << 20), `${buffered() - before} bytes more are held in this process`);
  const sink = readOn(client);
  await written;
  await usher.seen.until(() => usher.seen.exchanges.length === count);
  await standstill(() => sink.bytes);
  t.equal(sink.bytes, usher.proxy.status().listeners[0]?.bytesToClient, 'every answer arrived');
  client.socket.end();
  await usher.seen.atRest();
  t.same(usher.seen.codes, []);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('bad requests sent without reading are answered once', async t => {
  const backend = await serveAnswers(t, () => response('ok'));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, `${HEADER}${'\n'.repeat(100_000)}`);
  const { status } = await nextResponse(client);
  t.equal(status, 400);
  t.equal(usher.seen.exchanges.length, 1);
});

t.test('what a client goes on sending behind its last response is read and forgotten', async t => {
  const backend = await serveAnswers(t, () => response('enough', [], '413 Content Too Large'));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + request('/', [`Content-Length: ${SIZE}`], 'POST'));
  await client.until('enough');
  await heap();
  const before = buffered();
  const source = new Source(client.socket, content(100).blocks);
  await source.run();
  await heap();
  t.ok(buffered() - before < 16 * (1 << 20), `${buffered() - before} bytes more are held in this process`);
  client.socket.end();
  await usher.seen.atRest();
  t.equal(client.ending, 'fin');
  t.match(usher.seen.exchanges, [{ status: 413, code: undefined }]);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('an empty line behind a request begins no other one: the idle client is closed without a 408', async t => {
  const backend = await serve(t, client => {
    client.socket.on('data', () => client.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  });
  const usher = await startUsherBefore(t, backend.port, { timeouts: { requestHeadMs: 50, keepAliveMs: 50 } });
  const text = await converse(t, usher.port, `${HEADER}GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n`);
  t.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  t.notMatch(text, /408/);
  t.same(usher.seen.codes, []);
});
