/** A real usher that may open few files: it pauses its listener in time, serves who is there, and goes on. */
import http from 'node:http';
import net from 'node:net';
import t, { type Test } from 'tap';
import { nextResponse, request, response, serveAnswers } from '../support/http.js';
import { startHaproxy } from '../support/peer-haproxy.js';
import { freePort, type Program } from '../support/peer-program.js';
import { type LogLine, logLines, startRun } from '../support/peer-usher.js';
import { needProgram } from '../support/peers.js';
import { HEADER, RawClient, turns } from '../support/sockets.js';

t.setTimeout(60_000);

const LIMIT = 128;
const HEAD = request('/');
const HALF = HEAD.length - 2;

interface FewFiles {
  readonly usher: Program;
  readonly port: number;
  readonly admin: number;
}

async function startWithFewFiles(t: Test, backendPort: number): Promise<FewFiles> {
  const [port, admin] = [await freePort(), await freePort()];
  const words = ['--listen', `127.0.0.1:${port}`, '--backend-port', String(backendPort)];
  words.push('--trusted-source', '127.0.0.0/8', '--admin', `127.0.0.1:${admin}`);
  return { usher: await startRun(t, words, { openFiles: LIMIT }), port, admin };
}

/** Connects and sends half a request. @returns undefined: refused */
function tryConnect(t: Test, port: number): Promise<RawClient | undefined> {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1');
    t.teardown(() => socket.destroy());
    const client = new RawClient(socket);
    socket.once('error', () => resolve(undefined));
    socket.once('connect', () => {
      client.send(HEADER + HEAD.slice(0, HALF));
      resolve(client);
    });
  });
}

/** Clients until one is refused; the last ones may have waited to be accepted, and be reset. */
async function fill(t: Test, port: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (;;) {
    const client = await tryConnect(t, port);
    if (client === undefined) return clients;
    clients.push(client);
    await turns(1);
  }
}

function isLine(text: string): (line: LogLine) => boolean {
  return ({ msg }) => typeof msg === 'string' && msg.startsWith(text);
}

async function get(port: number, path: string): Promise<string> {
  const incoming = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get({ port, path, host: '127.0.0.1', agent: false }, resolve).on('error', reject);
  });
  let body = '';
  for await (const piece of incoming) body += piece;
  return `${incoming.statusCode} ${body}`;
}

t.test('it pauses before the last descriptor, serves who is there, and goes on', async t => {
  const backend = await serveAnswers(t, () => response('ok'));
  const { usher, port, admin } = await startWithFewFiles(t, backend.port);
  const clients = await fill(t, port);
  await usher.until(() => logLines(usher).some(isLine('paused')));
  t.match(await get(admin, '/readyz'), /^200 /, 'it is not less ready for those who are there');
  const metrics = await get(admin, '/metrics');
  t.match(metrics, /^usher_accept_pauses_total\{listener="main"\} 1$/m);
  const taken = Number(/^usher_connections_open\{listener="main"\} (\d+)$/m.exec(metrics)?.[1]);
  t.ok(taken > 30 && taken < LIMIT / 2, `${taken} clients under a limit of ${LIMIT}`);
  t.match(await get(admin, '/status'), '"paused": true');
  const there = () => clients.filter(({ ending }) => ending === 'open');
  while (there().length > taken) await turns(1);
  t.equal(there().length, taken, 'who was not taken has been reset');
  for (const client of there().slice(-10)) {
    client.send(HEAD.slice(HALF));
    t.equal((await nextResponse(client)).status, 200, 'a client that was taken is served');
  }

  for (const { socket } of clients) socket.destroy();
  await usher.until(() => logLines(usher).some(isLine('accepting again')));
  const again = await tryConnect(t, port);
  again?.send(HEAD.slice(HALF));
  t.equal(again && (await nextResponse(again)).status, 200);
  const pauses = logLines(usher).filter(isLine('paused'));
  t.match(pauses, [{ level: 'warn', listener: 'main', limit: LIMIT, hint: /LimitNOFILE.*ulimits.*ulimit -Hn/ }]);
  t.equal(pauses.length, 1, 'told once');
  t.equal(usher.ending, undefined);
});

t.test('a balancer passes a paused usher over: not one request is lost', async t => {
  const path = needProgram(t, 'haproxy');
  if (path === undefined) return;
  const backend = await serveAnswers(t, () => response('ok'));
  const few = await startWithFewFiles(t, backend.port);
  const port = await freePort();
  const { port: otherBackend } = await serveAnswers(t, () => response('ok'));
  const words = ['--listen', `127.0.0.1:${port}`, '--backend-port', String(otherBackend)];
  await startRun(t, [...words, '--trusted-source', '127.0.0.0/8', '--admin', 'off']);
  const both = {
    server: few.port,
    words: 'send-proxy-v2',
    lines: ['balance roundrobin', 'option redispatch 1', `server other 127.0.0.1:${port} send-proxy-v2`],
  };
  const { ports } = await startHaproxy(t, path, { http: { ...both, mode: 'http' }, tcp: both });
  await fill(t, few.port);
  for (const balancer of [ports.http, ports.tcp]) {
    const answers = [];
    for (let i = 0; i < 20; i += 1) answers.push(await get(balancer, '/'));
    t.same(new Set(answers), new Set(['200 ok']));
  }
  t.ok(few.usher.ending === undefined);
});
