import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type DrainEndpointOptions, drainEndpoint, type Pace } from '../../src/cli/drain-endpoint.js';
import { startAdmin } from '../../src/control/admin.js';
import type { EndpointStatus } from '../../src/status.js';
import { nextResponse, serveHttp } from '../support/http.js';
import { freePort } from '../support/peer-program.js';
import { logLines, runCommand, startRun } from '../support/peer-usher.js';
import { connect, HEADER } from '../support/sockets.js';

const PACE: Pace = { timeoutMs: 60_000, lookMs: 0, quietLooks: 2, progressLooks: 3 };

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** @param told hears each line on standard error */
async function run(
  words: readonly [string, string],
  options: DrainEndpointOptions,
  pace: Partial<Pace> = {},
  told: (text: string) => void = () => {},
): Promise<Run> {
  let out = '';
  let err = '';
  const stdout = { write: (text: string) => (out += text) };
  const write = (text: string) => {
    err += text;
    told(text);
  };
  const code = await drainEndpoint(...words, options, { stdout, stderr: { write } }, { ...PACE, ...pace });
  return { code, out, err };
}

function failed(sentence: string): Run {
  return { code: 1, out: '', err: `usher drain-endpoint: ${sentence}\n` };
}

/** What `/status` says of one endpoint; undefined: it isn't there. */
type Picture = Partial<EndpointStatus> | undefined;

/**
 * A real admin listener over backend `chat` with the endpoints `address` and 127.0.0.1:9; 127.0.0.1:3002 never was one.
 *
 * @param pictures what `/status` says of the first, one look after the other; the last one stays
 */
async function admin(t: Test, pictures: Picture[] = [{}], address = '127.0.0.1:3001') {
  const asked: [string, string, boolean][] = [];
  const endpoint = (changes: Partial<EndpointStatus>): EndpointStatus => {
    return { address, origin: undefined, up: true, settled: true, draining: true, active: 0, idle: 0, ...changes };
  };
  let looks = 0;
  const { address: bound, close } = await startAdmin({
    listen: { host: '127.0.0.1', port: 0 },
    registry: { contentType: 'text/plain', metrics: async () => '' },
    // The first look is that of the POST itself.
    status: () => {
      const picture = pictures[Math.min(looks, pictures.length - 1)];
      looks += 1;
      const other = endpoint({ address: '127.0.0.1:9', draining: false });
      const endpoints = picture === undefined ? [other] : [endpoint(picture), other];
      return { state: 'running', listeners: [], backends: [{ name: 'chat', lookingUp: false, endpoints }] };
    },
    ready: () => true,
    version: '1.2.3',
    actions: { drain() {}, drainEndpoint: (...words) => !words.includes('127.0.0.1:3002') && asked.push(words) > 0 },
  });
  t.teardown(close);
  return { admin: `127.0.0.1:${bound.port}`, asked };
}

/** A server that isn't usher. */
async function stranger(t: Test, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const WHAT = '127.0.0.1:3001 of backend chat';
const DRAINING = `${WHAT} is draining: new sessions avoid it, known ones keep it`;

t.test('prints what usher says, and names the endpoint as usher does', async t => {
  const cases = [
    { word: '127.0.0.1:3001', label: '127.0.0.1:3001' },
    { word: '3001', label: '127.0.0.1:3001' },
    { word: '[2001:DB8:0::7]:3002', label: '[2001:db8::7]:3002' },
    { word: 'App.Internal:80', label: 'app.internal:80' },
  ];
  for (const { word, label } of cases) {
    const usher = await admin(t, [{ draining: false, active: 2 }, { active: 2 }], label);
    const done = await run(['chat', word], { admin: usher.admin });
    const out = `${label} of backend chat is draining: new sessions avoid it, known ones keep it; 2 active there\n`;
    t.strictSame(done, { code: 0, out, err: '' }, word);
    const undone = await run(['chat', word], { admin: usher.admin, undo: true });
    const words = `${label} of backend chat no longer drains: new sessions may come; 2 active there\n`;
    t.strictSame(undone, { code: 0, out: words, err: '' });
    t.strictSame(usher.asked, [
      ['chat', label, true],
      ['chat', label, false],
    ]);
  }
});

t.test(
  'asks for localhost whatever the admin listener is called, because usher answers its machine by no name',
  async t => {
    const address = await stranger(t, (request, response) => {
      response.setHeader('Content-Type', 'text/plain').end(request.headers.host);
    });
    t.strictSame(await run(['chat', '3001'], { admin: address }), { code: 0, out: 'localhost\n', err: '' });
  },
);

t.test('--wait ends when nothing has been active for several looks, and says meanwhile what it waits for', async t => {
  const active = [5, 4, 0, 3, 3, 1, 0, 1, 0, 0, 7];
  const pictures = active.map((active, at) => ({ active, draining: at > 0 }));
  const { admin: address } = await admin(t, pictures);
  t.strictSame(await run(['chat', '3001'], { admin: address, wait: true }), {
    code: 0,
    out: `${DRAINING}; 5 active there\nnothing is active on ${WHAT} any more\n`,
    err: [4, 3, 1].map(count => `waiting for ${WHAT}: ${count} active there\n`).join(''),
  });
});

t.test('--wait gives up when it can not know any more', async t => {
  const started = `${WHAT} was draining already: new sessions avoid it, known ones keep it; 1 active there\n`;
  const wait = async (last: Picture) => {
    const { admin: address } = await admin(t, [{ active: 1 }, { active: 1 }, last]);
    return run(['chat', '3001'], { admin: address, wait: true });
  };
  const waiting = `waiting for ${WHAT}: 1 active there\nusher drain-endpoint: `;
  t.strictSame(await wait({ draining: false }), {
    code: 1,
    out: started,
    err: `${waiting}${WHAT} does not drain any more: somebody undid it or usher was restarted; start again\n`,
  });
  t.strictSame(await wait(undefined), {
    code: 1,
    out: started,
    err: `${waiting}${WHAT} is gone from /status (DNS or a reload has left it out), so nobody knows what is active there\n`,
  });
});

t.test("usher's no is an error that says what there is", async t => {
  const { admin: address, asked } = await admin(t);
  const answered = `the admin listener at ${address} answered 404:`;
  t.strictSame(await run(['web', '3001'], { admin: address }), failed(`${answered} no such backend; there are chat`));
  t.strictSame(
    await run(['chat', '3002'], { admin: address }),
    failed(`${answered} backend chat has no such endpoint; it has 127.0.0.1:3001, 127.0.0.1:9`),
  );
  const odd = '../..%2e/?#\r\nx: y\u001b[31m';
  t.strictSame(await run([odd, '3001'], { admin: address }), failed(`${answered} no such backend; there are chat`));
  t.strictSame(asked, []);
});

t.test('what makes no sense is not asked', async t => {
  const { admin: address, asked } = await admin(t);
  const cases: { words: [string, string]; options?: DrainEndpointOptions; says: string }[] = [
    {
      words: ['chat', '3001'],
      options: { wait: true, undo: true },
      says: '--wait does not go with --undo, after which nothing comes to an end',
    },
    { words: ['', '3001'], says: 'the backend has no name: /status on the admin listener shows them' },
    {
      words: ['chat', 'app'],
      says: '"app" is not an endpoint: write a port, host:port or [v6]:port, as /status on the admin listener shows it',
    },
    {
      words: ['chat', '2001:db8::7:3002'],
      says:
        '"2001:db8::7:3002" is not an endpoint: an IPv6 address stands in brackets, [2001:db8::7]:3002, ' +
        'as /status on the admin listener shows it',
    },
    {
      words: ['chat', '3001'],
      options: { admin: 'off' },
      says: '--admin off: write host:port or [v6]:port, e.g. 127.0.0.1:9180',
    },
    {
      words: ['chat', '3001'],
      options: { admin: '\u001b[31m\n:1' },
      says: '--admin \\x1b[31m\\n:1: write host:port or [v6]:port, e.g. 127.0.0.1:9180',
    },
  ];
  for (const { words, options, says } of cases) {
    const result = await run(words, { admin: address, ...options });
    t.strictSame(result, { code: 64, out: '', err: `usher drain-endpoint: ${says}\n` }, says);
  }
  t.strictSame(asked, []);
});

t.test('an admin listener that does not answer as one', async t => {
  const unreachable = (address: string, cause: string) =>
    failed(
      `cannot talk to the admin listener at ${address} (${cause}): ` +
        'is usher running on this machine, with its admin listener there? --admin names another address',
    );
  const ask = (admin: string, pace: Partial<Pace> = {}) => run(['chat', '3001'], { admin, wait: true }, pace);

  const nobody = `127.0.0.1:${await freePort()}`;
  t.strictSame(await ask(nobody), unreachable(nobody, 'ECONNREFUSED'));

  const silent = await stranger(t, () => {});
  t.strictSame(await ask(silent, { timeoutMs: 20 }), unreachable(silent, 'no answer within 0.02 s'));
  const slow = await stranger(t, (_, response) => response.write('half of it'));
  t.strictSame(await ask(slow, { timeoutMs: 100 }), unreachable(slow, 'no answer within 0.1 s'));

  const closing = net.createServer(socket => socket.end('hello\r\n')).listen(0, '127.0.0.1');
  await once(closing, 'listening');
  t.teardown(() => closing.close());
  const closes = `127.0.0.1:${(closing.address() as AddressInfo).port}`;
  t.match(await ask(closes), { code: 1, out: '', err: /^usher drain-endpoint: cannot talk to .* \([A-Z_]+\): .*\n$/ });

  const endless = await stranger(t, (_, response) => {
    const more = () => response.write('x'.repeat(1 << 20));
    response.on('drain', more);
    more();
  });
  t.strictSame(await ask(endless), unreachable(endless, 'its answer has no end'));

  const page = await stranger(t, (_, response) => {
    response.setHeader('Content-Type', 'text/html').end('<p>\u001b[31mfine\nall is well');
  });
  const says = (address: string, words: string) => failed(`the admin listener at ${address} answered ${words}`);
  t.strictSame(await ask(page), says(page, '200: <p>\\x1b[31mfine\\nall is well'));
  const remote = await stranger(t, (_, response) => response.writeHead(403).end('only from a loopback address\n'));
  t.strictSame(
    await ask(remote),
    says(remote, '403: only from a loopback address; run this on the machine, or in the container, that usher runs in'),
  );

  for (const body of ['fine', '{}', '{"backends":[{"name":"chat"}]}', 'null']) {
    const agreeable = await stranger(t, (_, response) => response.setHeader('Content-Type', 'text/plain').end(body));
    const err = `what answers at ${agreeable} is no admin listener of usher: --admin names another\n`;
    t.strictSame(await ask(agreeable), { code: 1, out: `${body}\n`, err: `usher drain-endpoint: ${err}` });
  }
});

/** Two servers that answer with their names, and with nothing to `/hold`; an usher in front of them, with cookies. */
async function startPool(t: Test) {
  const held: ServerResponse[] = [];
  const news = new EventEmitter();
  const servers = ['one', 'two'].map(name =>
    serveHttp(t, (request, response) => {
      if (request.url !== '/hold') return response.end(name);
      held.push(response);
      return news.emit('held');
    }),
  );
  const [one = 0, two = 0] = (await Promise.all(servers)).map(({ port }) => port);
  const [listen, admin] = [await freePort(), await freePort()];
  const file = join(t.testdir(), 'usher.yaml');
  writeFileSync(
    file,
    `listeners:
  chat: { listen: 127.0.0.1:${listen}, trustedSources: [127.0.0.0/8], backend: pool }
backends:
  pool: { endpoints: [${one}, ${two}], affinity: cookie, balance: round-robin }
admin: { listen: "127.0.0.1:${admin}" }
`,
  );
  const usher = await startRun(t, ['--config', file]);
  await usher.until(() => logLines(usher).filter(({ msg }) => msg === 'the endpoint is up').length === 2);
  const isHeld = async () => {
    while (held.length === 0) await once(news, 'held');
    return held[0];
  };
  return { usher, one, two, listen, admin: `127.0.0.1:${admin}`, isHeld };
}

/** Who answers a request that brings this cookie, and the cookie that comes with the answer. */
async function visit(t: Test, listen: number, cookie = ''): Promise<{ server: string; cookie: string }> {
  const field = cookie === '' ? '' : `Cookie: ${cookie}\r\n`;
  const client = await connect(t, listen, `${HEADER}GET / HTTP/1.1\r\nHost: a\r\n${field}Connection: close\r\n\r\n`);
  const { fields, body } = await nextResponse(client);
  client.socket.destroy();
  const [, given = ''] = fields.find(([name]) => name.toLowerCase() === 'set-cookie') ?? [];
  return { server: body.toString(), cookie: given.split(';', 1)[0] ?? '' };
}

t.test('beside a running usher: new sessions avoid it, known ones keep it, until nothing is active', async t => {
  const { usher, one, two, listen, admin, isHeld } = await startPool(t);
  const what = `127.0.0.1:${one} of backend pool`;
  const newcomers = async () => {
    const seen = [await visit(t, listen), await visit(t, listen), await visit(t, listen), await visit(t, listen)];
    return [...new Set(seen.map(({ server }) => server))];
  };
  const ready = async () => (await fetch(`http://${admin}/readyz`)).status;

  const visits = [await visit(t, listen), await visit(t, listen)];
  const known = visits.find(({ server }) => server === 'one')?.cookie ?? '';
  t.match(known, /^usher-pool=./, 'there is a session on it');
  const busy = await connect(t, listen, `${HEADER}GET /hold HTTP/1.1\r\nHost: a\r\nCookie: ${known}\r\n\r\n`);
  const answer = await isHeld();

  let ended = false;
  const news = new EventEmitter();
  const progress = once(news, 'told');
  const waiting = run(['pool', `${one}`], { admin, wait: true }, { lookMs: 20, progressLooks: 1e9 }, text =>
    news.emit('told', text),
  ).finally(() => {
    ended = true;
  });
  t.strictSame(await progress, [`waiting for ${what}: 1 active there\n`]);
  t.strictSame(await newcomers(), ['two'], 'new sessions avoid it');
  t.equal((await visit(t, listen, known)).server, 'one', 'known ones keep it');
  t.equal(await ready(), 200);
  t.notOk(ended, 'it waits');
  answer?.end('at last');
  t.equal((await nextResponse(busy)).body.toString(), 'at last');
  t.strictSame(await waiting, {
    code: 0,
    out:
      `${what} is draining: new sessions avoid it, known ones keep it; 1 active there\n` +
      `nothing is active on ${what} any more\n`,
    err: `waiting for ${what}: 1 active there\n`,
  });

  const both = await runCommand(t, ['drain-endpoint', 'pool', `127.0.0.1:${two}`, '--admin', admin]);
  const rule = 'known sessions keep it, and new ones may come all the same, because no other endpoint is up and stays';
  const out = `127.0.0.1:${two} of backend pool is draining: ${rule}; 0 active there\n`;
  t.strictSame([both.ending, both.stdout, both.stderr], [0, out, '']);
  t.equal(await ready(), 200, 'an endpoint that drains is up');

  const undone = await run(['pool', `${one}`], { admin, undo: true });
  t.match(undone, { code: 0, out: `${what} no longer drains: new sessions may come; 0 active there\n`, err: '' });
  t.strictSame(await newcomers(), ['one']);
  const none = failed(
    `the admin listener at ${admin} answered 404: backend pool has no such endpoint; it has 127.0.0.1:${one}, ` +
      `127.0.0.1:${two}`,
  );
  t.strictSame(await run(['pool', `${listen}`], { admin }), none);
  await usher.stop();
  t.match(await run(['pool', `${one}`], { admin }), { code: 1, out: '', err: /\(ECONNREFUSED\)/ });
});
