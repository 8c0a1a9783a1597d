/** The command as an operator meets it: words in, exit code and text out, signals. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http, { type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { startChat } from '../../src/demo/chat.js';
import { version } from '../../src/version.js';
import { canBind, freePort, type Program } from '../support/peer-program.js';
import { type LogLine, logLines, runCommand, startRun } from '../support/peer-usher.js';
import { connect, converse, HEADER } from '../support/sockets.js';

// Fifty processes one after the other, each with half a second of processor time to start: a busy machine needs longer.
t.setTimeout(120_000);

const EXAMPLES = fileURLToPath(new URL('../../../config/', import.meta.url));
const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** An answer of the admin listener, as `STATUS BODY`. */
function ask(port: number, path: string, method = 'GET', headers: http.OutgoingHttpHeaders = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ port, path, method, headers, agent: false, host: '127.0.0.1' });
    outgoing.on('error', reject);
    outgoing.on('response', async response => {
      let body = '';
      for await (const piece of response) body += piece;
      resolve(`${response.statusCode} ${body.trim()}`);
    });
    outgoing.end();
  });
}

/** A backend that answers only when it is told to. */
async function holdingBackend(t: Test): Promise<{ port: number; asked(): Promise<ServerResponse> }> {
  const waiting: ServerResponse[] = [];
  const server = http.createServer((_, response) => {
    waiting.push(response);
    server.emit('asked');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const asked = async (): Promise<ServerResponse> => {
    for (;;) {
      const response = waiting.shift();
      if (response !== undefined) return response;
      await once(server, 'asked');
    }
  };
  return { port: (server.address() as AddressInfo).port, asked };
}

interface Written {
  readonly file: string;
  readonly listen: number;
  readonly admin: number;
}

/** A configuration file with the access log on. */
async function writeConfig(t: Test, backendPort: number): Promise<Written> {
  const [listen, admin] = [await freePort(), await freePort()];
  const file = join(t.testdir(), 'usher.yaml');
  writeFileSync(
    file,
    `listeners:
  chat:
    listen: 127.0.0.1:${listen}
    trustedSources: [127.0.0.0/8]
    backendPort: ${backendPort}
admin: { listen: "127.0.0.1:${admin}" }
log: { access: true }
drain: { timeout: 30s, deregisterDelay: 0s }
`,
  );
  return { file, listen, admin };
}

function refusals(program: Program): LogLine[] {
  return logLines(program).filter(({ code, log }) => code !== undefined && log === undefined);
}

t.test('usher run with flags', async t => {
  const chat = await startChat({ host: '127.0.0.1', port: 0 });
  t.teardown(() => chat.close());
  const [listen, admin] = [await freePort(), await freePort()];
  const flags = ['--listen', `127.0.0.1:${listen}`, '--backend-port', `${chat.port}`, '--admin', `127.0.0.1:${admin}`];
  const usher = await startRun(t, [...flags, '--trusted-source', '127.0.0.0/8', '--trusted-source', '::1/128']);
  const target = `127.0.0.1:${listen}`;

  await t.test('says where it listens, in JSON', async t => {
    await usher.until(() => usher.stderr.includes('the endpoint is up'));
    t.match(logLines(usher), [
      {
        level: 'info',
        listener: 'main',
        address: target,
        protocol: 'http',
        proxyProtocol: 'required',
        msg: 'listening',
      },
      { address: `127.0.0.1:${admin}`, msg: 'admin listening' },
      { version, node: process.version, pid: usher.pid, msg: 'usher is running' },
      { backend: 'main', endpoint: `127.0.0.1:${chat.port}`, up: true, msg: 'the endpoint is up' },
    ]);
    t.equal(usher.stdout, '');
  });

  await t.test('usher probe is the load balancer, in every way it can', async t => {
    const whoami = ['--path', '/whoami'];
    const probes = [
      { words: whoami, code: 0, out: /^sent {7}v2 PROXY 203\.0\.113\.9:51234 to .*"client": "203\.0\.113\.9"/ms },
      {
        words: [...whoami, '--proxy', 'v1', '--source', '[2001:DB8::9]:1', '--destination', '[2001:db8::1]:443'],
        code: 0,
        out: /^sent {7}v1 PROXY \[2001:db8::9\]:1 .*"client": "2001:db8::9".*"proto": "https"/ms,
      },
      { words: [...whoami, '--proxy', 'local'], code: 0, out: /^sent {7}v2 LOCAL.*"client": "127\.0\.0\.1"/ms },
      { words: ['--proxy', 'none'], code: 1, out: /^sent {7}no PROXY header$/m, err: /wants a PROXY header/ },
      { words: ['--nlb-health', '--path', '/healthz'], code: 0, out: /; 100 bytes\n.*^HTTP\/1\.1 200 OK.*^ok$/ms },
      { words: [...whoami, '--fragments', '1'], code: 0, out: /1 at a time.*"client": "203\.0\.113\.9"/s },
      {
        words: ['--websocket', '--path', '/socket', '--message', 'good evening'],
        code: 0,
        out: /^received {3}you are 203\.0\.113\.9\n[\s\S]*^received {3}203\.0\.113\.9: good evening$/m,
      },
      {
        words: [...whoami, '--json', '--tlv', 'aws-vpce=vpce-08d2bf15fac5001c9'],
        code: 0,
        out: /"vpceId": "vpce-08d2bf15fac5001c9"/,
      },
    ];
    const results = await inPairs(probes, ({ words }) => runCommand(t, ['probe', target, ...words]));
    for (const [n, { ending, stdout, stderr }] of results.entries()) {
      const { words, code, out, err = /^$/ } = probes[n] ?? { words: [], code: 0, out: /^$/ };
      t.match({ ending, stdout, stderr }, { ending: code, stdout: out, stderr: err }, words.join(' '));
    }
  });

  await t.test('a refusal says what, where and who; what the network sends makes no line of its own', async t => {
    const fake = '{"level":"error","code":"fake","msg":"fake"}';
    const lines = [
      `PROXY TCP4 ${fake}\n${fake}\r\n`,
      `\n${fake}\n${HEADER}${GET}`,
      `${HEADER}GET /"\\u000a${fake} HTTP/1.1\r\n\r\n`,
      `${HEADER}GET / HTTP/1.1\r\nHost: a\r\nX-Note: \n${fake}\n\r\n\r\n`,
      `${HEADER}GET / HTTP/1.1\r\nHost: \x1b[31m\x9b2J\r\n\r\n`,
    ];
    const before = refusals(usher).length;
    for (const bytes of lines) await converse(t, listen, bytes);
    await usher.until(() => refusals(usher).length === before + lines.length);
    const told = refusals(usher).slice(before);
    t.match(
      told,
      lines.map(() => ({ listener: 'main', peer: /^127\.0\.0\.1:\d+$/, client: String, msg: String })),
    );
    t.same(
      told.map(({ code, level }) => `${level} ${code}`),
      [
        'warn header-malformed',
        'warn header-missing',
        'info target-invalid',
        'info line-ending-invalid',
        'info field-value-invalid',
      ],
    );
    t.match(refusals(usher)[0], { code: 'header-missing', detail: 'http', hint: /switch on proxy protocol/ });
    t.notMatch(usher.stderr, /[^\n -~]/, 'only printable characters');
  });

  await t.test('an address in use is one sentence and 69, and nothing stays bound', async t => {
    const free = await freePort();
    const attempts = [
      { busy: listen, words: ['--listen', target, '--admin', 'off'] },
      { busy: admin, words: ['--listen', `127.0.0.1:${free}`, '--admin', `127.0.0.1:${admin}`] },
    ];
    const backend = ['--backend-port', `${chat.port}`, '--trusted-source', '127.0.0.1/32'];
    const results = await inPairs(attempts, ({ words }) => runCommand(t, ['run', ...words, ...backend]));
    for (const [n, { ending, stderr }] of results.entries()) {
      const sentence = `cannot listen on 127.0.0.1:${attempts[n]?.busy}: another process listens there (EADDRINUSE)\n`;
      t.same([ending, stderr], [69, sentence]);
    }
    t.ok(await canBind(free), 'the listener gave its port back');
  });

  await t.test('POST /drain ends it, only when somebody on this host asks', async t => {
    t.equal(await ask(admin, '/drain'), '405 use POST');
    t.equal(await ask(admin, '/drain', 'POST', { Origin: 'http://evil.example' }), '403 not from a web page');
    t.match(await ask(admin, '/readyz'), '200 ready');
    t.equal(await ask(admin, '/drain', 'POST'), '202 accepted');
    t.equal(await usher.ended(), 0);
    t.match(logLines(usher).slice(-3), [
      { why: 'POST /drain', msg: 'draining' },
      { msg: 'no new connections are accepted' },
      { destroyed: 0, msg: 'stopped' },
    ]);
    t.ok((await canBind(listen)) && (await canBind(admin)), 'both ports are free');
  });
});

/** Two at a time: each process takes half a second of one processor to start. */
async function inPairs<Item, Result>(items: readonly Item[], act: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let n = 0; n < items.length; n += 2) results.push(...(await Promise.all(items.slice(n, n + 2).map(act))));
  return results;
}

t.test('SIGTERM: the request under way is finished, then it exits with 0', async t => {
  const backend = await holdingBackend(t);
  const { file, listen, admin } = await writeConfig(t, backend.port);
  const usher = await startRun(t, ['--config', file]);
  const idle = await connect(t, listen, HEADER);
  const busy = await connect(t, listen, `${HEADER}GET /slow HTTP/1.1\r\nHost: a\r\n\r\n`);
  const response = await backend.asked();
  response.write('first half, ');
  await busy.until('first half');

  usher.signal('SIGTERM');
  await usher.until(() => usher.stderr.includes('no new connections'));
  t.equal(await idle.ended(), '', 'a connection without a request ends at once');
  t.equal(await ask(admin, '/readyz'), '503 draining');
  t.equal(await ask(admin, '/livez'), '200 ok');
  t.ok(await canBind(listen), 'nobody new is let in');
  t.equal(usher.ending, undefined, 'it waits');

  response.end('second half');
  idle.socket.destroy();
  t.match(await busy.until('0\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n[\s\S]*first half, \r\n[\s\S]*second half\r\n/);
  await busy.ended();
  busy.socket.destroy();
  t.equal(await usher.ended(), 0);
  t.match(logLines(usher).slice(-4), [
    { why: 'SIGTERM', msg: 'draining' },
    { msg: 'no new connections are accepted' },
    { log: 'access', target: '/slow', status: 200, client: '203.0.113.9:51234', msg: 'exchange' },
    { destroyed: 0, msg: 'stopped' },
  ]);
});

t.test('a second signal: it exits at once, with 0 too', async t => {
  const backend = await holdingBackend(t);
  const { file, listen } = await writeConfig(t, backend.port);
  const usher = await startRun(t, [], { env: { USHER_CONFIG: file } });
  const busy = await connect(t, listen, `${HEADER}GET /never HTTP/1.1\r\nHost: a\r\n\r\n`);
  await backend.asked();
  usher.signal('SIGTERM');
  await usher.until(() => usher.stderr.includes('"msg":"draining"'));
  const startedAt = performance.now();
  usher.signal('SIGINT');
  t.equal(await usher.ended(), 0);
  t.ok(performance.now() - startedAt < 5_000, 'long before drain.timeout');
  t.equal(await busy.ended(), '');
  t.match(logLines(usher).slice(-1), [{ destroyed: 1, msg: 'stopped' }]);
  t.match(refusals(usher), [{ code: 'drain-timeout', listener: 'chat' }]);
});

t.test('a configuration that is refused: the exact words, and nothing is bound', async t => {
  // The port is taken: had usher tried to bind it, the exit code would be 69.
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const file = join(t.testdir(), 'usher.yaml');
  const listener = (listen: number) => `listen: 127.0.0.1:${listen}, trustedSources: [10.0.0.0/8], backendPort: 3000`;
  writeFileSync(file, `listeners:\n  chat: { ${listener(port)} }\n  web: { ${listener(port + 1)} }\n`);
  const column = `  web: { ${listener(port + 1)}`.indexOf('backendPort') + 1;
  const expected =
    `${file}:3:${column} listeners.web.backendPort: port 3000 is the backend port of listeners.chat (line 2) and of ` +
    'listeners.web (line 3); a backend port belongs to one listener: give one of them another port, or name one ' +
    'backend and let both listeners use it [duplicate-backend-port]\n';
  const [run, check] = await inPairs(
    [
      ['run', '--config', file],
      ['check', file],
    ],
    line => runCommand(t, line),
  );
  t.same([run?.ending, run?.stdout, run?.stderr], [78, '', expected]);
  t.same([check?.ending, check?.stdout, check?.stderr], [78, '', expected]);
});

const v2 = '0d0a0d0a000d0a515549540a21110013cb0071097f000001c8226db0030004f0056425';

interface Case {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly code: number;
  readonly out?: RegExp;
  readonly err?: RegExp;
}

const nothing = /^$/;

const cases: readonly Case[] = [
  { words: ['--version'], code: 0, out: /^\d+\.\d+\.\d+\n$/ },
  {
    words: ['--help'],
    code: 0,
    out: /run[\s\S]*check[\s\S]*decode[\s\S]*probe[\s\S]*drain-endpoint[\s\S]*drain[\s\S]*reload[\s\S]*health[\s\S]*demo[\s\S]*Exit codes: 0 fine; 64/,
  },
  {
    words: ['run', '--help'],
    code: 0,
    out: /--config[\s\S]*--watch[\s\S]*--listen[\s\S]*--backend-port[\s\S]*--proxy-protocol[\s\S]*--trusted-source[\s\S]*--admin[\s\S]*--check-fds \[strict\]/,
  },
  { words: ['check', '--help'], code: 0, out: /\[file\][\s\S]*USHER_CONFIG[\s\S]*--stop-timeout[\s\S]*--idle-timeout/ },
  { words: ['decode', '--help'], code: 0, out: /\[hex\]/ },
  {
    words: ['probe', '--help'],
    code: 0,
    out: /<target>[\s\S]*--proxy[\s\S]*--source[\s\S]*--destination[\s\S]*--tlv[\s\S]*--crc[\s\S]*--no-crc[\s\S]*--nlb-health[\s\S]*--fragments[\s\S]*--path[\s\S]*--host[\s\S]*--method[\s\S]*--header[\s\S]*--websocket[\s\S]*--message[\s\S]*--timeout[\s\S]*--json/,
  },
  {
    words: ['drain-endpoint', '--help'],
    code: 0,
    out: /<backend> <address>[\s\S]*--undo[\s\S]*--wait[\s\S]*--admin <address>[\s\S]*127\.0\.0\.1:9180/,
  },
  {
    words: ['reload', '--help'],
    code: 0,
    out: /load its file again[\s\S]*--admin <address>[\s\S]*127\.0\.0\.1:9180[\s\S]*Exit codes: .*0, 78 or 69/,
  },
  { words: ['health', '--help'], code: 0, out: /--admin[\s\S]*--config[\s\S]*--ready/ },
  { words: ['demo', '--help'], code: 0, out: /pretend load balancer/ },

  { words: [], code: 64, err: /^Usage: usher/ },
  { words: ['usher'], code: 64, err: /unknown command 'usher'/ },
  { words: ['run', '--port', '8080'], code: 64, err: /^usher: unknown option '--port'; usher --help .*\n$/ },
  { words: ['run', '--listen'], code: 64, err: /argument missing/ },
  { words: ['chek'], code: 64, err: /^usher: unknown command 'chek' \(Did you mean check\?\); usher --help .*\n$/ },
  {
    words: ['run', 'extra', '--listen', '8080', '--backend-port', '3000'],
    code: 64,
    err: /^extra belongs to no option: write usher run --config FILE, or .*\n$/,
  },
  { words: ['run'], code: 64, err: /^no configuration: write usher run --config FILE, or .*, or set USHER_CONFIG\n$/ },
  { words: ['run', '--listen', '8080'], code: 64, err: /^--listen and --backend-port go together: .*\n$/ },
  {
    words: ['run', '--config', 'a', '--listen', '8080'],
    code: 64,
    err: /^--config and the flags .* exclude each other: .*\n$/,
  },
  {
    words: ['run', '--watch', '--listen', '8080', '--backend-port', '3000'],
    code: 64,
    err: /^--watch goes with a file: .*\n$/,
  },
  { words: ['reload', '--admin', 'here'], code: 64, err: /^usher reload: --admin here: write host:port .*\n$/ },
  { words: ['check'], code: 64, err: /^no file to check: .*\n$/ },
  { words: ['probe'], code: 64, err: /missing required argument 'target'/ },
  {
    words: ['drain-endpoint', 'chat', '3001', '--wait', '--undo', '--admin', '127.0.0.1:1'],
    code: 64,
    err: /^usher drain-endpoint: --wait does not go with --undo, .*\n$/,
  },
  { words: ['probe', 'nowhere'], code: 64, err: /HOST:PORT/ },

  {
    words: ['run', '--listen', '0', '--backend-port', '3000', '--trusted-source', '10/8'],
    code: 78,
    err: /^--listen: .*\[invalid-port\]\n--trusted-source: .*\n$/,
  },
  {
    words: ['run', '--listen', '8080', '--backend-port', '8080', '--trusted-source', '::1/128'],
    code: 78,
    err: /^--backend-port: .*\[forwarding-loop\]\n$/,
  },
  {
    words: ['run', '--config', '/nonexistent/usher.yaml'],
    code: 78,
    err: /^\/nonexistent\/usher\.yaml: there is no such file.*\n$/,
  },
  {
    words: ['check', join(EXAMPLES, 'full.yaml')],
    code: 0,
    out: /full\.yaml: 3 listeners, 9 backends, 17 endpoints, 2 DNS names\n$/,
  },
  {
    words: ['check'],
    env: { USHER_CONFIG: join(EXAMPLES, 'minimal.yaml') },
    code: 0,
    out: /minimal\.yaml: 1 listener, 1 backend, 1 endpoint\n$/,
  },

  { words: ['decode', v2], code: 0, out: /"address": "203\.0\.113\.9"/ },
  { words: ['decode'], input: HEADER, code: 0, out: /"version": 1,[\s\S]*"port": 51234/ },
  {
    words: ['decode'],
    input: Buffer.from(`${v2}474554`, 'hex'),
    code: 0,
    out: /"rest": \{\s+"length": 3,\s+"hex": "474554"/,
  },
  {
    words: ['decode', '474554202f'],
    code: 1,
    err: /^usher decode: not a PROXY header: header-missing: .*looks like http\n$/,
  },
  { words: ['decode', 'what'], code: 64, err: /^usher decode: .*not a hex digit.*\n$/ },
];

t.test('every command line has its exit code, and keeps to the right stream', async t => {
  const results = await inPairs(cases, ({ words, env, input }) =>
    runCommand(t, words, { ...(env && { env }), ...(input && { input }) }),
  );
  for (const [n, { ending, stdout, stderr }] of results.entries()) {
    const { words, code, out = nothing, err = nothing } = cases[n] ?? { words: [], code: 0 };
    t.match({ ending, stdout, stderr }, { ending: code, stdout: out, stderr: err }, `usher ${words.join(' ')}`);
  }
});
