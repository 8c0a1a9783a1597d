/** `usher health`: what a container's health check runs. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type HealthOptions, health } from '../../src/cli/health.js';
import { startAdmin } from '../../src/control/admin.js';
import { freePort } from '../support/peer-program.js';
import { runCommand } from '../support/peer-usher.js';
import { serve } from '../support/sockets.js';

async function run(options: HealthOptions, config?: string, timeoutMs?: number) {
  let [out, err] = ['', ''];
  const io = {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: { USHER_CONFIG: config },
  };
  const code = await health(options, io, timeoutMs);
  return [code, out, err] as const;
}

/** usher's own admin listener. */
async function admin(t: Test, ready = true, host = '127.0.0.1'): Promise<number> {
  const registry = { contentType: 'text/plain', metrics: async () => '' };
  const status = () => ({ state: 'running', listeners: [], backends: [] }) as const;
  const judge = () => ready || { ready, why: 'no backend is up' };
  const actions = { drain() {} };
  const { address, close } = await startAdmin({
    listen: { host, port: 0 },
    registry,
    status,
    ready: judge,
    version: '1.2.3',
    actions,
  });
  t.teardown(close);
  return address.port;
}

/** Something else that speaks HTTP. */
async function other(t: Test, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('it asks where it is told to', async t => {
  const port = await admin(t, false);
  t.same(await run({ admin: `127.0.0.1:${port}` }), [0, 'ok\n', '']);
  t.same(await run({ admin: String(port) }), [0, 'ok\n', ''], 'a bare port is one of this machine');
  t.same(await run({ admin: `0.0.0.0:${port}`, ready: true }), [
    1,
    '',
    'usher health: /readyz answered 503: no backend is up\n',
  ]);
});

t.test('it asks where the configuration says', async t => {
  const port = await admin(t, true, '0.0.0.0');
  const dir = t.testdir({
    'bare.yaml': `admin: { listen: ${port} }\n`,
    'any.yaml': `admin: { listen: "0.0.0.0:${port}" }\n`,
    'wrong.yaml': `listeners: { chat: { listn: 80 } }\nadmin:\n  listen: localhost:${port}\n`,
    'usher.json': `{ "admin": { "listen": "[::]:${port}" } }`,
  });
  for (const file of ['bare.yaml', 'any.yaml', 'wrong.yaml', 'usher.json']) {
    t.same(await run({}, join(dir, file)), [0, 'ok\n', ''], file);
    t.same(await run({ config: join(dir, file), ready: true }, '/nonexistent'), [0, 'ready\n', ''], `--config ${file}`);
  }
});

t.test('where nothing is written it asks the default address', async t => {
  const dir = t.testdir({ 'usher.yaml': 'listeners: {}\n', 'empty.yaml': '' });
  for (const config of [undefined, '', join(dir, 'usher.yaml'), join(dir, 'empty.yaml')]) {
    const [code, out, err] = await run({}, config);
    // An usher may run on this machine.
    if (code === 0) t.equal(out, 'ok\n');
    else t.match(err, /127\.0\.0\.1:9180/);
  }
});

t.test('what cannot be asked is unhealthy, and says why', async t => {
  const dir = t.testdir({
    'off.yaml': 'admin: off\n',
    'false.yaml': 'admin: false\n',
    'bad.yaml': 'admin: { listen: here }\n',
    'broken.yaml': 'admin: {\n',
  });
  for (const [options, config, words] of [
    [{}, 'off.yaml', /no admin listener/],
    [{}, 'false.yaml', /no admin listener/],
    [{}, 'bad.yaml', /bad\.yaml: admin\.listen: "here" is not a listen address/],
    [{}, 'broken.yaml', /broken\.yaml cannot be read for admin\.listen \(.*\): write --admin HOST:PORT/],
    [{}, 'missing.yaml', /missing\.yaml cannot be read .*ENOENT/],
    [{ admin: `127.0.0.1:${await freePort()}` }, 'off.yaml', /cannot be asked: ECONNREFUSED/],
  ] as const) {
    const [code, out, err] = await run(options, join(dir, config));
    t.match([code, out, err], [1, '', words]);
    t.match(err, /^usher health: [^\n]*\n$/, 'one sentence');
  }
});

t.test('an address that is none is wrong usage', async t => {
  for (const bad of ['here', '', '70000', 'a:b:1'])
    t.match(await run({ admin: bad }), [64, '', /^usher health: --admin: /]);
});

t.test('an answer that is none, or never comes', async t => {
  const { port } = await serve(t);
  t.match(await run({ admin: `127.0.0.1:${port}` }, undefined, 50), [1, '', /no answer within 0\.05 s/]);
  const cut = await other(t, (_, response) => {
    response.writeHead(200, { 'Content-Length': 100 });
    response.write('half', () => response.destroy());
  });
  t.match(await run({ admin: cut }), [1, '', /cannot be asked: /]);
  const loud = await other(t, (_, response) => response.writeHead(500).end(`\u001b[31m\n${'x'.repeat(100_000)}`));
  const [code, , err] = await run({ admin: loud });
  t.equal(code, 1);
  t.match(err, /answered 500: \\x1b\[31m\\nx+\n$/, 'nothing that a terminal obeys');
  t.ok(err.length < 1_200, 'and no more than is read');
});

t.test('the command', async t => {
  const port = await admin(t);
  const fine = await runCommand(t, ['health', '--admin', `127.0.0.1:${port}`]);
  t.same([fine.ending, fine.stdout, fine.stderr], [0, 'ok\n', '']);
  const config = join(t.testdir({ 'usher.yaml': 'admin: off\n' }), 'usher.yaml');
  const off = await runCommand(t, ['health'], { env: { USHER_CONFIG: config } });
  t.match([off.ending, off.stdout, off.stderr], [1, '', /no admin listener/]);
});
