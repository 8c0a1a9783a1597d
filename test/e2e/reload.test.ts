/** Reload as an operator meets it: a real process, its file, and clients that must not notice. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ConfigFile } from '../../src/control/config/file.js';
import { Lifecycle } from '../../src/control/lifecycle.js';
import { createLogger } from '../../src/observe/log.js';
import { startSocketIo } from '../support/affinity-endpoints.js';
import { heap } from '../support/heap.js';
import { nextResponse, request, response, serveAnswers } from '../support/http.js';
import { canBind, freePort, type Program } from '../support/peer-program.js';
import { type LogLine, logLines, runCommand, startRun } from '../support/peer-usher.js';
import { Load, startApp } from '../support/reload-load.js';
import { connect, HEADER, serve } from '../support/sockets.js';

t.setTimeout(120_000);

const TRUST = 'trustedSources: [127.0.0.0/8]';

function reloads(usher: Program): LogLine[] {
  return logLines(usher).filter(({ msg }) => msg === 'configuration reloaded');
}

async function metrics(admin: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
}

/** The lines of one metric. */
function series(text: string, name: string): string[] {
  return text.split('\n').filter(line => line.startsWith(`${name}{`));
}

t.test('ten reloads under load: no request fails, no tunnel is cut, no session is lost', async t => {
  const apps = [await startApp(t), await startApp(t), await startApp(t)];
  const chats = [(await startSocketIo(t)).port, (await startSocketIo(t)).port, (await startSocketIo(t)).port];
  const [listen, admin, extra] = [await freePort(), await freePort(), await freePort()];
  const file = join(t.testdir(), 'usher.yaml');
  const write = (round: number) => {
    const pick = (ports: readonly number[]) => ports.filter((_, index) => index !== round % ports.length).join(', ');
    const more = round % 2 === 0 ? '' : `  extra: { listen: "127.0.0.1:${extra}", ${TRUST}, backend: apps }\n`;
    const text = `listeners:
  chat:
    listen: "127.0.0.1:${listen}"
    ${TRUST}
    timeouts: { tunnel: ${1 + (round % 3)}s, keepAlive: ${60 + round}s }
    routes: [{ path: /socket.io/, backend: chats }, { path: /, backend: apps }]
${more}backends:
  apps: { endpoints: [${pick(apps)}], slowStart: ${round % 2}s, balance: ${round % 2 ? 'round-robin' : 'least-connections'} }
  chats: { endpoints: [${pick(chats)}], affinity: socket.io, healthCheck: { interval: ${1 + (round % 2)}s } }
admin: { listen: "127.0.0.1:${admin}" }
`;
    writeFileSync(file, text);
  };
  write(0);
  const usher = await startRun(t, ['--config', file]);
  const load = new Load(t, listen);
  await load.start();
  await load.served(3);
  for (let round = 1; round <= 10; round += 1) {
    write(round);
    usher.signal('SIGHUP');
    await usher.until(() => reloads(usher).length === round);
    t.equal(await canBind(extra), round % 2 === 0);
    await load.served(3);
  }
  const text = await metrics(admin);
  await load.stop();
  t.same(load.faults, []);
  t.same([...load.answeredBy].sort(), apps.map(String).sort(), 'every application has answered, old ones and new ones');
  t.match(reloads(usher)[0], {
    why: 'SIGHUP',
    listeners: { added: ['extra'] },
    backends: { changed: [/^apps/, /^chats/] },
  });
  t.same(series(text, 'usher_config_reloads_total'), [
    'usher_config_reloads_total{result="ok"} 10',
    'usher_config_reloads_total{result="failed"} 0',
  ]);
  t.same(
    series(text, 'usher_refused_total').filter(line => !line.endsWith(' 0')),
    [],
  );
  t.same(
    series(text, 'usher_requests_total').filter(line => !/status="(200|101)"/.test(line)),
    [],
  );
  t.match(series(text, 'usher_connections_total').join(), /listener="extra"/, 'what is gone is still counted');
});

/** A small usher from a file; `text` makes the file. */
async function small(t: Test, words: readonly string[] = []) {
  const { port: backend } = await serveAnswers(t, () => response('ok'));
  const [listen, admin] = [await freePort(), await freePort()];
  const file = join(t.testdir(), 'usher.yaml');
  const text = (more = '', at = listen) =>
    `listeners:\n  chat: { listen: "127.0.0.1:${at}", ${TRUST}, backendPort: ${backend} }\n${more}` +
    `admin: { listen: "127.0.0.1:${admin}" }\n`;
  writeFileSync(file, text());
  const usher = await startRun(t, ['--config', file, ...words]);
  const reload = () => runCommand(t, ['reload', '--admin', `127.0.0.1:${admin}`]);
  return { usher, file, text, listen, admin, backend, reload };
}

t.test('usher reload: what has changed, or everything that is wrong, and then nothing has', async t => {
  const { usher, file, text, listen, admin, backend, reload } = await small(t);
  const client = await connect(t, listen, HEADER + request('/'));
  await nextResponse(client);
  const taken = (await serve(t)).port;
  const web = await freePort();
  const cases = [
    { text: 'listeners: {\n', code: 78, err: [/usher\.yaml:\d+:\d+/] },
    {
      text: text(`  web: { listen: ${web}, ${TRUST}, backendPort: ${backend}, colour: red }\n`),
      code: 78,
      err: [
        / listeners\.web\.backendPort: .*\[duplicate-backend-port\]$/,
        / listeners\.web\.colour: .*\[unknown-key\]$/,
      ],
    },
    {
      text: text(
        `  a: { listen: "127.0.0.1:${web}", ${TRUST}, backend: b }\n  b: { listen: "127.0.0.1:${taken}", ${TRUST}, backend: b }\n`,
      ).concat('backends: { b: { endpoints: [1] } }\n'),
      code: 69,
      err: [new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${taken}: another process listens there \\(EADDRINUSE\\)$`)],
    },
  ];
  const before = JSON.stringify(await status(admin));
  for (const { text, code, err } of cases) {
    writeFileSync(file, text);
    const { ending, stdout, stderr } = await reload();
    t.same([ending, stdout], [code, '']);
    t.match(stderr.trim().split('\n'), [...err, 'usher reload: nothing has changed']);
    for (const line of stderr.trim().split('\n').slice(0, -1))
      t.ok(logged(usher, line), `the log has it, too: ${line}`);
    client.send(request('/'));
    t.equal((await nextResponse(client)).status, 200);
  }
  t.ok(await canBind(web));
  t.equal(JSON.stringify(await status(admin)), before);
  writeFileSync(
    file,
    `${text().replace('backendPort', 'timeouts: { keepAlive: 5s }, backendPort')}log: { access: true, format: json }\n`,
  );
  const { ending, stdout, stderr } = await reload();
  const out = 'reloaded: listeners: changed chat (timeouts); changed log.access\nonly a restart changes log.format\n';
  t.same([ending, stdout, stderr], [0, out, '']);
  client.send(request('/seen'));
  await nextResponse(client);
  await usher.until(() => logLines(usher).some(({ log, target }) => log === 'access' && target === '/seen'));
  t.same(series(await metrics(admin), 'usher_config_reloads_total'), [
    'usher_config_reloads_total{result="ok"} 1',
    'usher_config_reloads_total{result="failed"} 3',
  ]);
});

function logged(usher: Program, words: string): boolean {
  return logLines(usher).some(({ msg, level }) => level === 'error' && String(msg).startsWith(words));
}

async function status(admin: number): Promise<object> {
  const { listeners, backends } = (await (await fetch(`http://127.0.0.1:${admin}/status`)).json()) as {
    readonly listeners: readonly object[];
    readonly backends: readonly object[];
  };
  // Bytes are counted, and whether a connection is idle is a matter of milliseconds.
  return {
    listeners: listeners.map(each => ({ ...each, bytesToBackend: 0, bytesToClient: 0 })),
    count: backends.length,
  };
}

t.test('--watch: a ConfigMap whose links are swapped is loaded', async t => {
  const { port: backend } = await serveAnswers(t, () => response('ok'));
  const ports = [await freePort(), await freePort()];
  const dir = t.testdir();
  for (const [n, port] of ports.entries()) {
    mkdirSync(join(dir, `..${n}`));
    const text = `listeners:\n  chat: { listen: "127.0.0.1:${port}", ${TRUST}, backendPort: ${backend} }\nadmin: off\n`;
    writeFileSync(join(dir, `..${n}`, 'usher.yaml'), text);
  }
  symlinkSync('..0', join(dir, '..data'));
  symlinkSync(join('..data', 'usher.yaml'), join(dir, 'usher.yaml'));
  const usher = await startRun(t, ['--watch', '--config', join(dir, 'usher.yaml')]);
  symlinkSync('..1', join(dir, '..data_tmp'));
  renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
  await usher.until(() => reloads(usher).length === 1);
  t.match(reloads(usher), [{ why: '--watch', listeners: { changed: ['chat (listen)'] } }]);
  const places = logLines(usher).filter(({ msg }) => msg === 'listening');
  t.same(
    places.map(({ address }) => address),
    ports.map(port => `127.0.0.1:${port}`),
  );
  const client = await connect(t, ports[1] ?? 0, HEADER + request('/'));
  t.equal((await nextResponse(client)).status, 200);
  t.ok(await canBind(ports[0] ?? 0));
  usher.signal('SIGTERM');
  client.socket.destroy();
  t.equal(await usher.ended(), 0, 'and it ends as ever');
});

t.test('SIGHUP without a file says so and changes nothing', async t => {
  const [listen, admin] = [await freePort(), await freePort()];
  const flags = ['--listen', `127.0.0.1:${listen}`, '--backend-port', '1', '--trusted-source', '127.0.0.1/32'];
  const usher = await startRun(t, [...flags, '--admin', `127.0.0.1:${admin}`]);
  usher.signal('SIGHUP');
  await usher.until(() => usher.stderr.includes('started without a file'));
  const { ending, stderr } = await runCommand(t, ['reload', '--admin', `127.0.0.1:${admin}`]);
  t.equal(ending, 1);
  t.match(stderr, /^usher reload: .*503: this usher was started without a file .*\n$/);
  t.match(series(await metrics(admin), 'usher_config_reloads_total'), [/"ok"} 0$/, /"failed"} 0$/]);
});

t.test('two hundred reloads leave no memory and no handle', async t => {
  const { port: backend } = await serveAnswers(t, () => response('ok'));
  const [listen, other] = [await freePort(), await freePort()];
  const file = join(t.testdir(), 'usher.yaml');
  const write = (round: number) =>
    writeFileSync(
      file,
      `listeners:
  chat: { listen: "127.0.0.1:${listen}", ${TRUST}, timeouts: { tunnel: ${1 + (round % 5)}m }, backend: chat }
${round % 2 ? `  web: { listen: "127.0.0.1:${other}", ${TRUST}, backend: web }\n` : ''}backends:
  chat: { endpoints: [${backend}${round % 2 ? ', 1' : ''}], affinity: { cookie: { name: c${round % 3} } } }
  web: { endpoints: [${2 + (round % 7)}] }
${round % 3 ? '  more: { endpoints: [10] }\n' : ''}admin: off
`,
    );
  write(0);
  const config = new ConfigFile(file);
  const loaded = config.loadSync();
  if (!loaded.ok) throw new Error('the file is bad');
  const usher = new Lifecycle(loaded.settings, createLogger(loaded.settings.log, { write() {} }), config);
  await usher.start();
  t.teardown(() => usher.close());
  const client = await connect(t, listen, HEADER);
  const outcomes = new Set<string>();
  // No assertion for each round: what a test has asserted stays in memory.
  const reloadOften = async (times: number) => {
    for (let round = 1; round <= times; round += 1) {
      write(round);
      const { kind } = await usher.reload('test');
      client.send(request('/'));
      outcomes.add(`${kind} ${(await nextResponse(client)).status}`);
    }
    write(0);
    await usher.reload('test');
  };
  await reloadOften(60);
  const before = { heap: await heap(), handles: handles() };
  await reloadOften(200);
  const grown = (await heap()) - before.heap;
  t.ok(grown < 1 << 20, `${grown} bytes more`);
  t.same([...outcomes], ['reloaded 200']);
  t.ok(handles() <= before.handles + 2, `${handles()} handles, ${before.handles} before`);
  t.match(usher.listeners, [{ name: 'chat', connectionsOpen: 1 }]);
});

function handles(): number {
  return process.getActiveResourcesInfo().filter(name => name.startsWith('TCP')).length;
}
