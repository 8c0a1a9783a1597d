import { EventEmitter } from 'node:events';
import t from 'tap';
import { bearBrokenOutput } from '../../src/cli/broken-output.js';

function broken(code: string) {
  let told = '';
  const around = Object.assign(new EventEmitter(), {
    exitCode: 0,
    stdout: new EventEmitter(),
    stderr: { write: (text: string) => (told += text) },
  });
  bearBrokenOutput('check', around);
  around.stdout.emit('error', Object.assign(new Error('write'), { code }));
  around.exitCode = 78;
  around.emit('exit');
  return { told, exitCode: around.exitCode };
}

t.test('a reader that has seen enough', async t => {
  t.strictSame(broken('EPIPE'), { told: '', exitCode: 78 });
});

t.test('a full disk', async t => {
  t.match(broken('ENOSPC'), { told: /^usher: standard output cannot be written \(ENOSPC\): .*\n$/, exitCode: 1 });
});

t.test('a command that lasts has its own ways', async t => {
  const stdout = new EventEmitter();
  bearBrokenOutput('run', Object.assign(new EventEmitter(), { stdout, stderr: { write: () => true } }));
  t.equal(stdout.listenerCount('error'), 0);
});
