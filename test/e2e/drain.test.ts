/**
 * A deploy under traffic, with the real command: every WebSocket is closed with a Close frame between two messages, at an
 * even rate, and who comes back through another usher has lost nothing. `USHER_SOCKETS` says how many.
 */
import { EventEmitter, once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { type Ending, IoTalker, Talker } from '../support/drain-clients.js';
import { startDrainServer } from '../support/drain-server.js';
import type { Program } from '../support/peer-program.js';
import { logLines, runCommand, startRun } from '../support/peer-usher.js';
import { freePort } from '../support/ports.js';
import { connect, serve } from '../support/sockets.js';

t.setTimeout(120_000);

const SOCKETS = Number(process.env['USHER_SOCKETS'] ?? 2_000);
/** One in ten is Socket.IO's own client. */
const IO_SHARE = 0.1;
const CLOSE_OVER_MS = 5_000;
const BATCH = 50;

interface Running {
  readonly program: Program;
  readonly port: number;
  readonly admin: string;
}

async function startUsher(t: Test, backendPort: number, drain: string, protocol = 'http'): Promise<Running> {
  const [listen, admin] = [await freePort(), await freePort()];
  const file = join(t.testdir(), `usher-${listen}.yaml`);
  const config = `
listeners:
  chat: { listen: "127.0.0.1:${listen}", protocol: ${protocol}, proxyProtocol: "off", backendPort: ${backendPort} }
admin: { listen: "127.0.0.1:${admin}" }
drain: ${drain}
`;
  await writeFile(file, config);
  return { program: await startRun(t, ['--config', file]), port: listen, admin: `127.0.0.1:${admin}` };
}

/** How many WebSockets usher has closed in a second at most, by its own clock: it tells each second. */
function busiestSecond(program: Program): number {
  const lines = logLines(program).filter(({ msg }) => msg === 'WebSockets were closed');
  return Math.max(...lines.map(({ closed }) => Number(closed)));
}

function countBy(endings: readonly (Ending | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const ending of endings) {
    const key = ending === undefined ? 'open' : `${ending.code} ${ending.reason}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

t.test(`${SOCKETS} WebSockets are closed politely, and lose nothing`, { timeout: 120_000 }, async t => {
  const server = await startDrainServer(t);
  const first = await startUsher(
    t,
    server.port,
    `{ timeout: 30s, deregisterDelay: 500ms, closeOver: ${CLOSE_OVER_MS}ms }`,
  );
  const second = await startUsher(t, server.port, '{ timeout: 5s, deregisterDelay: 0s, closeOver: 0s }');
  const news = new EventEmitter();
  let told = false;
  // At most once a turn: two thousand clients have much to tell.
  const changed = () => {
    if (!told)
      setImmediate(() => {
        told = false;
        news.emit('change');
      });
    told = true;
  };
  const until = async (holds: () => boolean) => {
    while (!holds()) await once(news, 'change');
  };
  const talkers: Talker[] = [];
  const others: IoTalker[] = [];
  t.teardown(() => {
    for (const talker of [...talkers, ...others]) talker.leave();
  });
  for (let n = 0; n < SOCKETS; n += 1) {
    if (n < SOCKETS * IO_SHARE) others.push(new IoTalker(`io-${n}`, first.port, second.port, changed));
    else talkers.push(new Talker(`ws-${n}`, first.port, second.port, changed));
    if (n % BATCH === BATCH - 1) await until(() => [...talkers, ...others].every(talker => talker.isOpen));
  }
  const all = [...talkers, ...others];
  for (const talker of all) talker.talk();
  await until(() => all.every(talker => talker.isOpen && talker.said > 0));

  first.program.signal('SIGTERM');
  t.equal(await first.program.ended(), 0, 'exit code 0');
  await until(() => all.every(talker => talker.ending !== undefined && talker.isOpen));
  await until(() => all.every(talker => talker.settled));

  t.same(countBy(all.map(talker => talker.ending)), { '1012 service restart': SOCKETS });
  t.same(
    talkers.flatMap(talker => talker.faults).slice(0, 5),
    [],
    'every message of the server came whole and in order',
  );
  t.same([...server.codes.keys()], [1012], "the clients' answers reached the server");
  const lost = talkers.filter(({ name, said }) => (server.got.get(name)?.size ?? 0) !== said);
  t.same(
    lost.map(({ name }) => name),
    [],
    'what was acknowledged is there, and all was acknowledged',
  );
  const even = SOCKETS / (CLOSE_OVER_MS / 1_000);
  const busiest = busiestSecond(first.program);
  t.ok(busiest <= 2 * even, `${busiest} in the busiest second, ${even} are even`);
  t.match(logLines(first.program).at(-1), { destroyed: 0, msg: 'stopped' });
});

t.test('one who never answers the Close is cut at the timeout', async t => {
  const backend = await serve(t, client => {
    client.socket.once('data', () => {
      client.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
  });
  const usher = await startUsher(t, backend.port, '{ timeout: 1s, deregisterDelay: 0s, closeOver: 0s }');
  const upgrade =
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
  const client = await connect(t, usher.port, upgrade);
  await client.until('\r\n\r\n');
  usher.program.signal('SIGTERM');
  await client.until('service restart');
  t.equal(await usher.program.ended(), 0);
  await client.ended();
  const lines = logLines(usher.program).filter(({ msg }) => msg !== 'WebSockets were closed');
  t.match(lines.slice(-2), [{ code: 'drain-timeout' }, { destroyed: 1, msg: 'stopped' }]);
});

t.test('a tunnel of protocol tcp goes on untouched until the timeout, and is cut then', async t => {
  const backend = await serve(t, client => client.socket.on('data', (bytes: Buffer) => client.send(bytes)));
  const usher = await startUsher(t, backend.port, '{ timeout: 1s, deregisterDelay: 0s, closeOver: 0s }', 'tcp');
  const client = await connect(t, usher.port, 'before ');
  await client.until('before ');
  usher.program.signal('SIGTERM');
  await usher.program.until(() => usher.program.stderr.includes('no new connections'));
  client.send('and after');
  t.equal(await client.until('and after'), 'before and after', 'nothing of usher is put in');
  t.equal(await usher.program.ended(), 0);
  t.equal(await client.ended(), 'before and after');
  t.match(logLines(usher.program).slice(-2), [{ code: 'drain-timeout' }, { destroyed: 1, msg: 'stopped' }]);
});

t.test('compressed messages come whole in front of the Close', async t => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } });
  await once(server, 'listening');
  t.teardown(() => server.close());
  const text = 'a chat repeats itself, '.repeat(2_000);
  const codes: number[] = [];
  server.on('connection', member => {
    const timer = setInterval(() => member.send(text), 5);
    member.on('close', code => {
      clearInterval(timer);
      codes.push(code);
    });
  });
  const { port } = server.address() as AddressInfo;
  const usher = await startUsher(t, port, '{ timeout: 5s, deregisterDelay: 0s, closeOver: 200ms }');
  const socket = new WebSocket(`ws://127.0.0.1:${usher.port}/`, { perMessageDeflate: true });
  let messages = 0;
  socket.on('message', data => {
    messages += data.toString() === text ? 1 : -1_000_000;
    if (messages === 20) usher.program.signal('SIGTERM');
  });
  await once(socket, 'open');
  t.match(socket.extensions, 'permessage-deflate');
  const [code] = await once(socket, 'close');
  t.equal(code, 1012);
  t.ok(messages >= 20, `${messages} messages, each whole`);
  t.equal(await usher.program.ended(), 0);
  t.same(codes, [1012]);
});

t.test(
  'while the balancer is still told, new connections and WebSockets are taken, and those are closed as well',
  async t => {
    const server = await startDrainServer(t);
    const usher = await startUsher(
      t,
      server.port,
      '{ timeout: 10s, deregisterDelay: 1s, closeOver: 200ms, code: 1001, reason: bye }',
    );
    usher.program.signal('SIGTERM');
    await usher.program.until(() => usher.program.stderr.includes('"msg":"draining"'));
    const socket = new WebSocket(`ws://127.0.0.1:${usher.port}/ws/late`);
    await once(socket, 'open');
    const [code, reason] = await once(socket, 'close');
    t.equal(code, 1001);
    t.equal(reason.toString(), 'bye');
    t.equal(await usher.program.ended(), 0);
  },
);

t.test("style socket.io: Engine.IO's packet comes first, style none: nothing comes", async t => {
  const server = await startDrainServer(t);
  const drains = '{ timeout: 1s, deregisterDelay: 0s, closeOver: 0s, style: ';
  for (const [style, code] of [
    ['socket.io', 1012],
    ['none', 1006],
  ] as const) {
    const usher = await startUsher(t, server.port, `${drains}${style} }`);
    const socket = new WebSocket(`ws://127.0.0.1:${usher.port}/ws/${style}`);
    await once(socket, 'open');
    const messages: string[] = [];
    socket.on('message', data => messages.push(data.toString()));
    usher.program.signal('SIGTERM');
    const [got] = await once(socket, 'close');
    t.equal(got, code, style);
    t.equal(messages.at(-1) === '1', style === 'socket.io', style);
    t.equal(await usher.program.ended(), 0);
  }
});

t.test('usher drain --wait returns when usher has stopped, and says what it waits for', async t => {
  const server = await startDrainServer(t);
  const usher = await startUsher(t, server.port, '{ timeout: 5s, deregisterDelay: 500ms, closeOver: 0s }');
  const socket = new WebSocket(`ws://127.0.0.1:${usher.port}/ws/one`);
  await once(socket, 'open');
  const over = once(socket, 'close');
  const command = await runCommand(t, ['drain', '--wait', '--admin', usher.admin]);
  t.match(command, { ending: 0, stdout: 'usher has stopped\n', stderr: /^waiting: 1 connections are open\n/ });
  t.equal((await over)[0], 1012);
  t.equal(await usher.program.ended(), 0);
  const again = await runCommand(t, ['drain', '--admin', usher.admin]);
  t.match(again, { ending: 1, stderr: /^usher drain: cannot talk to the admin listener at / });
  t.match(await runCommand(t, ['drain', '--admin', 'nowhere']), { ending: 64 });
  const another = await startUsher(t, server.port, '{ timeout: 5s, deregisterDelay: 0s }');
  t.match(await runCommand(t, ['drain', '--admin', another.admin]), { ending: 0, stdout: 'usher drains\n' });
  t.equal(await another.program.ended(), 0);
});

for (const order of ['first', 'last', 'at the same time'] as const) {
  t.test(`the application stops ${order}: usher serves while it can, and ends with 0`, async t => {
    const server = await startDrainServer(t);
    const usher = await startUsher(t, server.port, '{ timeout: 5s, deregisterDelay: 1s, closeOver: 0s }');
    const before = new WebSocket(`ws://127.0.0.1:${usher.port}/ws/before`);
    await once(before, 'open');
    const over = once(before, 'close');
    if (order === 'first') {
      server.stop();
      await over;
    }
    usher.program.signal('SIGTERM');
    if (order === 'at the same time') server.stop();
    if (order === 'last') {
      await usher.program.until(() => usher.program.stderr.includes('"msg":"draining"'));
      const late = new WebSocket(`ws://127.0.0.1:${usher.port}/ws/late`);
      await once(late, 'open');
      t.equal((await once(late, 'close'))[0], 1012, 'a dial while it drains');
      t.equal((await over)[0], 1012);
    }
    t.equal(await usher.program.ended(), 0);
    await over;
    const codes = logLines(usher.program).flatMap(({ code }) => (typeof code === 'string' ? [code] : []));
    t.notOk(codes.includes('internal-error') || codes.includes('drain-timeout'), codes.join());
  });
}
