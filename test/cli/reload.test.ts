import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { type ReloadOptions, reload } from '../../src/cli/reload.js';
import { startAdmin } from '../../src/control/admin.js';
import type { ReloadOutcome } from '../../src/control/reload.js';

async function run(options: ReloadOptions, timeoutMs = 60_000) {
  let out = '';
  let err = '';
  const stdout = { write: (text: string) => (out += text) };
  const code = await reload(options, { stdout, stderr: { write: (text: string) => (err += text) } }, timeoutMs);
  return { code, out, err };
}

/** A real admin listener whose reload comes out like this. */
async function admin(t: Test, outcome?: ReloadOutcome): Promise<string> {
  const { address, close } = await startAdmin({
    listen: { host: '127.0.0.1', port: 0 },
    registry: { contentType: 'text/plain', metrics: async () => '' },
    status: () => ({ state: 'running', listeners: [], backends: [] }),
    ready: () => true,
    version: '1.2.3',
    actions: { drain() {}, ...(outcome && { reload: async () => outcome }) },
  });
  t.teardown(close);
  return `127.0.0.1:${address.port}`;
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

t.test('what has changed goes to stdout, what is wrong to stderr, and each has its exit code', async t => {
  const lines = ['one', 'two \u001b[2J'];
  const shown = 'one\ntwo \\x1b[2J\n';
  t.strictSame(await run({ admin: await admin(t, { kind: 'reloaded', lines }) }), { code: 0, out: shown, err: '' });
  for (const [kind, code] of [
    ['bad-configuration', 78],
    ['cannot-bind', 69],
  ] as const) {
    const err = `${shown}usher reload: nothing has changed\n`;
    t.strictSame(await run({ admin: await admin(t, { kind, lines }) }), { code, out: '', err });
  }
});

t.test('everything else is one sentence and 1', async t => {
  for (const [kind, status] of [
    ['refused', 503],
    ['failed', 500],
  ] as const) {
    const address = await admin(t, { kind, lines: ['usher is draining'] });
    const err = `usher reload: the admin listener at ${address} answered ${status}: usher is draining\n`;
    t.strictSame(await run({ admin: address }), { code: 1, out: '', err });
  }
  const old = await admin(t);
  t.match(await run({ admin: old }), { code: 1, err: /answered 404: no such path; .*\n$/ });
  const html = await stranger(t, (_, response) => response.setHeader('Content-Type', 'text/html').end('hello'));
  t.match(await run({ admin: html }), { code: 1, out: '', err: /answered 200: hello\n$/ });
  const silent = await stranger(t, () => {});
  t.match(await run({ admin: silent }, 20), { code: 1, err: /no answer within 0\.02 s/ });
});

t.test('an address that is none is wrong usage', async t => {
  t.match(await run({ admin: 'nowhere' }), {
    code: 64,
    out: '',
    err: /^usher reload: --admin nowhere: write host:port/,
  });
});
