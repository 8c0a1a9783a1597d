/** When a changed file is a reason to reload: real files, looked at when the test says so. */
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ConfigFile } from '../../src/control/config/file.js';
import { ConfigWatch } from '../../src/control/watch.js';

const good = (port: number) =>
  `listeners:\n  chat: { listen: ${port}, trustedSources: [10.0.0.0/8], backendPort: 1 }\n`;

/** A watch of `path`, which was loaded already; each reload loads it. */
function start(path: string) {
  const loaded: boolean[] = [];
  const lines: string[] = [];
  const clock = { ms: 0 };
  const file = new ConfigFile(path);
  file.loadSync();
  const changed = async () => {
    loaded.push((await file.load()).ok);
  };
  const log = (level: string) => (fields: { code?: string }, msg?: string) => {
    lines.push([level, fields.code ?? '', msg].join(' ').replace('  ', ' '));
  };
  const logger = { info: log('info'), warn: log('warn') } as never;
  const watch = new ConfigWatch(file, changed, logger, { everyMs: 1, now: () => clock.ms });
  const looks = async (count: number) => {
    for (let n = 0; n < count; n += 1) await watch.look();
    return loaded.length;
  };
  return { watch, file, loaded, lines, clock, looks };
}

function written(t: Test, text = good(8080)): string {
  const path = join(t.testdir(), 'usher.yaml');
  writeFileSync(path, text);
  return path;
}

t.test('a change is acted upon once, when it is the same in two looks', async t => {
  const path = written(t);
  const { looks } = start(path);
  t.equal(await looks(3), 0, 'nothing has changed since it was loaded');
  writeFileSync(path, good(8081));
  t.equal(await looks(1), 0);
  t.equal(await looks(1), 1);
  t.equal(await looks(3), 1);
});

t.test('what was written between the load and the first look is seen', async t => {
  const path = written(t);
  const { looks } = start(path);
  writeFileSync(path, good(8081));
  t.equal(await looks(2), 1);
});

t.test('a file that is touched, or written again as it was, is no reason', async t => {
  const path = written(t);
  const { looks } = start(path);
  await looks(1);
  utimesSync(path, 1, 1);
  t.equal(await looks(3), 0);
  writeFileSync(path, good(8081));
  await looks(1);
  writeFileSync(path, good(8080));
  t.equal(await looks(3), 0);
});

t.test('a file that is being written is waited for', async t => {
  const path = written(t);
  const { looks, loaded } = start(path);
  for (const length of [5, 20, 40]) {
    writeFileSync(path, good(8081).slice(0, length));
    t.equal(await looks(1), 0);
  }
  writeFileSync(path, good(8081));
  t.equal(await looks(2), 1);
  t.same(loaded, [true]);
});

t.test('a bad file is tried once for the same content, also when somebody else has tried it', async t => {
  const path = written(t);
  const { looks, loaded, file } = start(path);
  writeFileSync(path, 'listeners: {');
  t.equal(await looks(5), 1);
  utimesSync(path, 1, 1);
  t.equal(await looks(3), 1);
  writeFileSync(path, good(8081));
  await looks(2);
  t.same(loaded, [false, true]);
  writeFileSync(path, good(8082));
  await file.load();
  t.equal(await looks(3), 2, 'a signal was faster');
});

t.test('symbolic links that are swapped, as Kubernetes does it, with the same size and time', async t => {
  const dir = t.testdir();
  const version = (name: string, port: number) => {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'usher.yaml'), good(port));
    utimesSync(join(dir, name, 'usher.yaml'), 1, 1);
  };
  version('..1', 8080);
  version('..2', 8081);
  symlinkSync('..1', join(dir, '..data'));
  symlinkSync(join('..data', 'usher.yaml'), join(dir, 'usher.yaml'));
  const { looks } = start(join(dir, 'usher.yaml'));
  await looks(2);
  symlinkSync('..2', join(dir, '..data_tmp'));
  renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
  rmSync(join(dir, '..1'), { recursive: true });
  t.equal(await looks(3), 1);
});

t.test('a file that is away for a moment is no news; for longer, one warning, and a word when it is back', async t => {
  const path = written(t);
  const { looks, lines, clock } = start(path);
  await looks(1);
  rmSync(path);
  await looks(2);
  clock.ms = 9_999;
  await looks(1);
  writeFileSync(path, good(8080));
  t.equal(await looks(2), 0);
  t.same(lines, []);
  rmSync(path);
  await looks(1);
  clock.ms += 10_000;
  await looks(3);
  const away = 'warn ENOENT the configuration file cannot be read; usher goes on as it is';
  t.same(lines, [away]);
  writeFileSync(path, good(8081));
  t.equal(await looks(2), 1);
  t.same(lines, [away, 'info the configuration file can be read again']);
});

t.test('it looks by itself until it is stopped', async t => {
  const path = written(t);
  const file = new ConfigFile(path);
  file.loadSync();
  writeFileSync(path, good(8081));
  const holds = setInterval(() => {}, 1_000);
  await new Promise<void>(resolve => {
    const watch = new ConfigWatch(
      file,
      async () => {
        watch.stop();
        resolve();
      },
      { info() {}, warn() {} } as never,
      { everyMs: 1 },
    );
    watch.start();
  });
  clearInterval(holds);
  t.pass('and the process is free to end');
});
