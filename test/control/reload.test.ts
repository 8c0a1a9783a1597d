/** A reload from the file to its answer: what is told, counted and logged, and that there is one at a time. */
import t from 'tap';
import { type ConfigResult, loadConfigText } from '../../src/control/config/load.js';
import { Reloader, type ReloadHost } from '../../src/control/reload.js';
import { BindError } from '../../src/listener/listener.js';
import type { Settings } from '../../src/settings.js';
import { settingsOf } from './config/told.js';

const good = (port: number) =>
  `listeners:\n  chat: { listen: ${port}, trustedSources: [10.0.0.0/8], backendPort: 1 }\n`;
const BAD = good(8080).replace('backendPort', 'backendPrt');

/** A reloader over a file that holds `texts`, one after the other, and all that it did. */
function start(texts: readonly string[], changes: Partial<ReloadHost> = {}) {
  const did: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const log = (level: string) => (fields: object, msg?: string) => {
    lines.push({ level, ...fields, msg });
  };
  let loads = 0;
  const load = async (): Promise<ConfigResult> => {
    did.push('load');
    loads += 1;
    return loadConfigText(texts[Math.min(loads, texts.length) - 1] ?? '', 'usher.yaml');
  };
  const portOf = ({ listeners }: Settings) => listeners[0]?.listen.port;
  const reloader = new Reloader(settingsOf(good(8080)), {
    load,
    draining: () => false,
    adminPort: () => 9180,
    swap: async settings => {
      await new Promise(resolve => setImmediate(resolve));
      did.push(`swap ${portOf(settings)}`);
      return true;
    },
    swapped: settings => did.push(`swapped ${portOf(settings)}`),
    failed: () => did.push('failed'),
    logger: { info: log('info'), warn: log('warn'), error: log('error') } as unknown as ReloadHost['logger'],
    ...changes,
  });
  return { reloader, did, lines };
}

t.test('a good file is swapped in, and one line says what has changed', async t => {
  const { reloader, did, lines } = start([good(8081), good(8081)]);
  const outcome = { kind: 'reloaded', lines: ['reloaded: listeners: changed chat (listen)'] };
  t.strictSame(await reloader.reload('SIGHUP'), outcome);
  t.strictSame(lines, [
    { level: 'info', why: 'SIGHUP', listeners: { changed: ['chat (listen)'] }, msg: 'configuration reloaded' },
  ]);
  t.strictSame(await reloader.reload('again'), { kind: 'reloaded', lines: ['reloaded: nothing has changed'] });
  t.same(did, ['load', 'swap 8081', 'swapped 8081', 'load', 'swap 8081', 'swapped 8081']);
});

t.test('warnings are told and logged, and are no obstacle', async t => {
  const { reloader, lines } = start([good(8080).replace('trustedSources: [10.0.0.0/8], ', '')]);
  const { kind, lines: told } = await reloader.reload('test');
  t.equal(kind, 'reloaded');
  t.match(told, ['reloaded: listeners: changed chat (trustedSources)', /warning: .*\[trusted-sources-open\]$/]);
  t.match(lines, [{ level: 'warn', rule: 'trusted-sources-open', line: 2 }, { level: 'info' }]);
});

t.test(
  'a bad file changes nothing: every problem is told, logged with its rule and place, and it is counted once',
  async t => {
    const { reloader, did, lines } = start([`${BAD}colour: red\n`]);
    const { kind, lines: told } = await reloader.reload('test');
    t.equal(kind, 'bad-configuration');
    t.match(told, [/2:3 .* \[backend-choice\]$/, /^usher\.yaml:2:55 .*\[unknown-key\]$/, /^usher\.yaml:3:1 colour: /]);
    t.match(
      lines.filter(({ rule }) => rule === 'unknown-key'),
      [
        { level: 'error', file: 'usher.yaml', line: 2, column: 55, path: 'listeners.chat.backendPrt' },
        { level: 'error', line: 3, column: 1, path: 'colour' },
      ],
    );
    t.match(lines.at(-1), { level: 'error', why: 'test', problems: told.length });
    t.same(did, ['load', 'failed']);
  },
);

t.test('an address that cannot be had is told as at the start; that of the admin listener with its reason', async t => {
  const cases = [
    [8081, 'EADDRINUSE', 'cannot listen on 127.0.0.1:8081: another process listens there (EADDRINUSE)'],
    [
      9180,
      'EADDRINUSE',
      'cannot listen on 127.0.0.1:9180: the admin listener of this usher has that port until a restart',
    ],
    [80, 'EACCES', 'cannot listen on 127.0.0.1:80: this user may not use that port (EACCES); choose one above 1023'],
  ] as const;
  for (const [port, code, words] of cases) {
    const swap = () => Promise.reject(new BindError({ host: '127.0.0.1', port }, code));
    const { reloader, did, lines } = start([good(8080)], { swap });
    t.strictSame(await reloader.reload('test'), { kind: 'cannot-bind', lines: [words] });
    t.match(lines, [{ level: 'error', code, msg: `${words}; nothing has changed` }]);
    t.same(did, ['load', 'failed']);
  }
});

t.test('a fault of ours is counted and logged, and the next reload works', async t => {
  const faults = [new Error('a bug')];
  const swap = async () => {
    for (const fault of faults.splice(0)) throw fault;
    return true;
  };
  const { reloader, did, lines } = start([good(8080)], { swap });
  t.match(await reloader.reload('test'), { kind: 'failed', lines: [/its log says why/] });
  t.match(lines, [{ level: 'error', err: { message: 'a bug' } }]);
  t.match(await reloader.reload('test'), { kind: 'reloaded' });
  t.same(did, ['load', 'failed', 'load', 'swapped 8080']);
});

t.test('without a file, and while usher drains, there is nothing to do, which is no failure', async t => {
  const noFile = start([], { load: undefined });
  t.match(await noFile.reloader.reload('SIGHUP'), { kind: 'refused', lines: [/started without a file/] });
  t.match(noFile.lines, [{ level: 'warn', why: 'SIGHUP', msg: /^not reloaded: .*without a file/ }]);
  const draining = start([good(8080)], { draining: () => true });
  t.match(await draining.reloader.reload('test'), { kind: 'refused', lines: [/draining/] });
  const late = start([good(8080)], { swap: async () => false });
  t.match(await late.reloader.reload('test'), { kind: 'refused', lines: [/draining/] });
  t.same([noFile.did, draining.did, late.did], [[], [], ['load']]);
});

t.test('never two at a time: all who ask meanwhile get one more, behind the first', async t => {
  const { reloader, did } = start([good(8081), good(8082), good(8083)]);
  const asked = ['a', 'b', 'c'].map(why => reloader.reload(why));
  const outcomes = await Promise.all(asked);
  t.equal(outcomes[1], outcomes[2]);
  t.not(outcomes[0], outcomes[1]);
  t.same(did, ['load', 'swap 8081', 'swapped 8081', 'load', 'swap 8082', 'swapped 8082']);
  await reloader.reload('d');
  t.same(did.slice(-2), ['swap 8083', 'swapped 8083']);
});
