import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { Script } from 'node:vm';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { startBalancer } from '../src/demo/balancer.js';
import { type Chat, type ChatOptions, startChat } from '../src/demo/chat.js';
import { type Demo, type DemoDeps, demo } from '../src/demo/demo.js';
import { page, pagePolicy } from '../src/demo/page.js';

const host = '127.0.0.1';

async function chatFor(t: Test, options: Partial<ChatOptions> = {}): Promise<Chat> {
  const chat = await startChat({ host, port: 0, ...options });
  t.teardown(() => chat.close());
  return chat;
}

interface Answer {
  status: number | undefined;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

async function ask(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const outgoing = request({ host, port, path, headers, method, agent: false }).end();
  const [incoming] = await once(outgoing, 'response');
  return { status: incoming.statusCode, headers: incoming.headers, body: await text(incoming) };
}

/** A client that remembers what it was told. */
class Guest {
  readonly lines: string[] = [];
  readonly socket: WebSocket;

  constructor(port: number, client?: string, options: object = {}) {
    const headers = client === undefined ? {} : { 'X-Forwarded-For': client };
    this.socket = new WebSocket(`ws://${host}:${port}/socket`, { headers, ...options });
    this.socket.on('error', () => this.socket.terminate());
    this.socket.on('message', data => {
      this.lines.push(String(data));
      this.socket.emit('line');
    });
  }

  async hears(line: string): Promise<void> {
    while (!this.lines.includes(line)) {
      await once(this.socket, 'line');
    }
  }

  async closed(): Promise<number> {
    const [code] = await once(this.socket, 'close');
    return code;
  }
}

t.test('the page runs, and its policy lets nothing else run', async t => {
  const chat = await chatFor(t);
  const { status, headers, body } = await ask(chat.port, '/');
  t.equal(status, 200);
  t.equal(body, page);
  t.equal(headers['content-security-policy'], pagePolicy);
  t.equal(headers['content-type'], 'text/html; charset=utf-8');
  for (const [tag, directive] of [
    ['script', 'script-src'],
    ['style', 'style-src'],
  ] as const) {
    const block = new RegExp(`<${tag}>([\\s\\S]*)</${tag}>`).exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(block).digest('base64');
    t.ok(pagePolicy.includes(`${directive} 'sha256-${hash}'`), `${tag} is allowed by its hash`);
  }
  const script = /<script>([\s\S]*)<\/script>/.exec(page)?.[1] ?? '';
  t.doesNotThrow(() => new Script(script), 'the script is valid');
  t.notMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval/, 'and shows text as text only');
  t.notMatch(page, /(?:src|href)="(?!data:)/, 'no outside resources');
});

t.test('whoami tells what the chat sees', async t => {
  const chat = await chatFor(t);
  const behind = await ask(chat.port, '/whoami?x', {
    Host: 'chat.example.org',
    'X-Forwarded-For': '203.0.113.9',
    'X-Real-IP': '203.0.113.9',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Port': '443',
  });
  t.same(JSON.parse(behind.body), {
    client: '203.0.113.9',
    forwarded: true,
    realIp: '203.0.113.9',
    proto: 'https',
    port: '443',
    host: 'chat.example.org',
    socketAddress: host,
    headers: {
      'x-forwarded-for': '203.0.113.9',
      'x-real-ip': '203.0.113.9',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
    },
  });
  const around = await ask(chat.port, '/whoami', { 'X-Forwarded-For': '<b>not an address</b>' });
  t.match(JSON.parse(around.body), { client: host, forwarded: false, realIp: null, socketAddress: host });
});

t.test('answers health checks, and nothing it does not have', async t => {
  const { port } = await chatFor(t);
  t.match(await ask(port, '/healthz'), { status: 200, body: 'ok\n' });
  t.match(await ask(port, '/healthz', {}, 'HEAD'), { status: 200, body: '' });
  t.match(await ask(port, '/nothing'), { status: 404 });
  t.match(await ask(port, '/', {}, 'POST'), { status: 405, headers: { allow: 'GET, HEAD' } });
});

t.test('says who comes, speaks and goes, by the address of the client', async t => {
  const { port } = await chatFor(t);
  const anna = new Guest(port, '203.0.113.9');
  await anna.hears('203.0.113.9 joined');
  t.same(anna.lines, ['you are 203.0.113.9', '203.0.113.9 joined']);
  const bert = new Guest(port, '2001:db8::1');
  await anna.hears('2001:db8::1 joined');
  await bert.hears('2001:db8::1 joined');
  bert.socket.send('hello <b>\nall\x1b[31m');
  await anna.hears('2001:db8::1: hello <b> all [31m');
  await bert.hears('2001:db8::1: hello <b> all [31m');
  bert.socket.close();
  await anna.hears('2001:db8::1 left');
});

t.test('someone who comes around usher has the address of the socket', async t => {
  const { port } = await chatFor(t);
  const guest = new Guest(port);
  await guest.hears(`you are ${host}`);
});

t.test('takes text of 4 KiB and no more', async t => {
  const { port } = await chatFor(t);
  const [talker, shouter, machine] = [new Guest(port), new Guest(port), new Guest(port)];
  await Promise.all([talker, shouter, machine].map(guest => guest.hears(`you are ${host}`)));
  talker.socket.send('x'.repeat(4096));
  await talker.hears(`${host}: ${'x'.repeat(4096)}`);
  shouter.socket.send('x'.repeat(4097));
  t.equal(await shouter.closed(), 1009);
  machine.socket.send(Buffer.from([0]));
  t.equal(await machine.closed(), 1003);
});

t.test('has as many clients as it may, and one place to meet', async t => {
  const { port } = await chatFor(t, { clients: 1 });
  const first = new Guest(port);
  await first.hears(`you are ${host}`);
  const second = new WebSocket(`ws://${host}:${port}/socket`);
  const [, full] = await once(second, 'unexpected-response');
  t.equal(full.statusCode, 503);
  t.match(await text(full), /full/);
  const [, elsewhere] = await once(new WebSocket(`ws://${host}:${port}/`), 'unexpected-response');
  t.equal(elsewhere.statusCode, 404);
  elsewhere.resume();
});

t.test('ends a client that no longer answers pings, and keeps the others', async t => {
  const { port } = await chatFor(t, { pingMs: 100 });
  const quiet = new Guest(port, '203.0.113.1', { autoPong: false });
  const alive = new Guest(port, '203.0.113.2');
  await alive.hears('you are 203.0.113.2');
  t.equal(await quiet.closed(), 1006);
  await alive.hears('203.0.113.1 left');
  t.equal(alive.socket.readyState, WebSocket.OPEN);
});

t.test('says goodbye with 1001 when it stops', async t => {
  const chat = await startChat({ host, port: 0 });
  const guest = new Guest(chat.port);
  await guest.hears(`you are ${host}`);
  t.same(await Promise.all([guest.closed(), chat.close()]), [1001, undefined]);
});

async function listen(t: Test, act: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => socket.destroy());
    act(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { port: (server.address() as AddressInfo).port, server };
}

/** Answers what it was sent, with the PROXY line, once a whole request head is there. */
const mirror = (socket: Socket): void => {
  let received = '';
  socket.on('data', piece => {
    received += piece;
    if (received.endsWith('\r\n\r\n')) {
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${received.length}\r\nConnection: close\r\n\r\n${received}`);
    }
  });
};

t.test('the pretend balancer names a client from far away', async t => {
  const target = await listen(t, mirror);
  const balancer = await startBalancer({ host, port: 0, target: { host, port: target.port }, client: '203.0.113.9' });
  t.teardown(() => balancer.close());
  const { body } = await ask(balancer.port, '/x');
  t.match(
    body,
    new RegExp(`^PROXY TCP4 203\\.0\\.113\\.9 127\\.0\\.0\\.1 \\d+ ${balancer.port}\\r\\nGET /x HTTP/1\\.1\\r\\n`),
  );
});

t.test('the pretend balancer ends both sides when one fails', async t => {
  const target = await listen(t, socket => socket.once('data', () => socket.resetAndDestroy()));
  const balancer = await startBalancer({ host, port: 0, target: { host, port: target.port }, client: '203.0.113.9' });
  await t.rejects(ask(balancer.port, '/'), { code: /ECONNRESET|EPIPE/ });
  await balancer.close();
});

interface Stage {
  result: Promise<Demo>;
  out: () => string;
  err: () => string;
  closes: () => number;
}

/** Runs the demo on free ports; `run` stands in for usher. */
function stage(deps: Partial<DemoDeps> & { address?: string; fails?: Error }): Stage {
  let out = '';
  let err = '';
  let closes = 0;
  const run: DemoDeps['run'] = async file => {
    if (deps.fails !== undefined) {
      throw deps.fails;
    }
    const close = async (): Promise<void> => {
      closes += 1;
    };
    return { close, listeners: [{ name: file, address: deps.address ?? '127.0.0.1:8080' }] };
  };
  const io: DemoDeps['io'] = {
    stdout: {
      write: words => {
        out += words;
      },
    },
    stderr: {
      write: words => {
        err += words;
      },
    },
  };
  const result = demo({ run, configFile: 'demo.yaml', io, chatPort: 0, balancerPort: 0, ...deps });
  return { result, out: () => out, err: () => err, closes: () => closes };
}

t.test('the demo says what to open and what to copy, and stops everything', async t => {
  const target = await listen(t, mirror);
  const { result, out, closes } = stage({ address: `0.0.0.0:${target.port}` });
  const started = await result;
  if (started.kind !== 'running') {
    t.fail('the demo did not start');
    return;
  }
  t.ok(out().includes(started.url));
  t.match(out(), `npx usher probe 127.0.0.1:${target.port} --source 203.0.113.9:51234 --path /whoami\n`);
  t.match(out(), `npx usher probe 127.0.0.1:${target.port} --source 203.0.113.9:51234 --websocket --path /socket\n`);
  t.match(out(), /Ctrl\+C/);
  const { port } = new URL(started.url);
  t.match((await ask(Number(port), '/')).body, /^PROXY TCP4 203\.0\.113\.9 /, 'the page goes through the listener');
  await started.close();
  t.equal(closes(), 1);
  await t.rejects(ask(Number(port), '/'), { code: 'ECONNREFUSED' });
});

t.test('the demo reaches a listener on IPv6, and takes another command', async t => {
  const { result, out } = stage({ address: '[::1]:8080', command: 'usher' });
  const started = await result;
  t.match(out(), '  usher probe [::1]:8080 --source');
  if (started.kind === 'running') {
    await started.close();
  }
});

t.test('the demo says which port is taken', async t => {
  const { port } = await listen(t, socket => socket.destroy());
  const sentence = new RegExp(`^port ${port} is in use: [^\\n]+\\n$`);
  const chatTaken = stage({ chatPort: port });
  t.same(await chatTaken.result, { kind: 'failed', exitCode: 69 });
  t.match(chatTaken.err(), sentence);
  t.equal(chatTaken.out(), '');

  const balancerTaken = stage({ balancerPort: port });
  t.same(await balancerTaken.result, { kind: 'failed', exitCode: 69 });
  t.match(balancerTaken.err(), sentence);
  t.equal(balancerTaken.closes(), 1, 'usher is stopped again');

  const taken = Object.assign(new Error('listen'), { code: 'EADDRINUSE', port: 8080 });
  const usherTaken = stage({ fails: new Error('can not bind', { cause: taken }) });
  t.same(await usherTaken.result, { kind: 'failed', exitCode: 69 });
  t.match(usherTaken.err(), /^port 8080 is in use/);
});

t.test('the demo passes on what it does not know, and leaves nothing running', async t => {
  const free = await startChat({ host, port: 0 });
  await free.close();
  await t.rejects(stage({ chatPort: free.port, fails: new Error('no such file') }).result, { message: 'no such file' });
  await t.rejects(ask(free.port, '/healthz'), { code: 'ECONNREFUSED' });
});
