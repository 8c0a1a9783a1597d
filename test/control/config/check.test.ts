import { join } from 'node:path';
import t from 'tap';
import { type CheckOptions, check } from '../../../src/cli/check.js';

const run = (file: string | undefined, options?: CheckOptions) => {
  let stdout = '';
  let stderr = '';
  const output = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
  };
  const code = check(file, output, options);
  return { code, stdout, stderr };
};

t.test('a good file: 0 and one line', async t => {
  t.strictSame(run('config/demo.yaml'), {
    code: 0,
    stdout: 'config/demo.yaml: 1 listener, 1 backend, 1 endpoint\n',
    stderr: '',
  });
});

t.test('warnings go to stderr and are counted', async t => {
  const dir = t.testdir({
    'a.yaml':
      'listeners: { a: { listen: 80, backendPort: 1 }, b: { listen: 81, backend: b } }\nbackends: { b: { endpoints: [2, 3] } }\n',
  });
  const { code, stdout, stderr } = run(join(dir, 'a.yaml'));
  t.equal(code, 0);
  t.equal(stdout, `${join(dir, 'a.yaml')}: 2 listeners, 2 backends, 3 endpoints; 2 warnings\n`);
  t.equal(stderr.trimEnd().split('\n').length, 2);
});

t.test('a bad file: 78 and every problem', async t => {
  const dir = t.testdir({ 'a.yaml': 'listeners: { a: { listen: 80, backendPort: 0 } }\nlog: { x: 1 }\n' });
  const { code, stdout, stderr } = run(join(dir, 'a.yaml'));
  t.equal(code, 78);
  t.equal(stdout, '');
  t.match(stderr, /invalid-port\]\n.*unknown-key\]\n.*trusted-sources-open\]\n$/);
});

t.test('a file that is not there: 78', async t => {
  t.match(run('nowhere.yaml'), {
    code: 78,
    stdout: '',
    stderr: /^nowhere\.yaml: there is no such file.*\[file-unreadable\]\n$/,
  });
});

t.test('no file named: 64', async t => {
  for (const file of [undefined, '']) t.match(run(file), { code: 64, stdout: '', stderr: /^no file to check/ });
});

t.test('what stands around usher is compared when it is told', async t => {
  const file = 'config/demo.yaml';
  t.match(run(file, { stopTimeout: '120s', idleTimeout: '60s' }), { code: 0, stderr: '' });
  const { code, stdout, stderr } = run(file, { stopTimeout: '1s', idleTimeout: '2m' });
  t.equal(code, 0, 'a warning');
  t.match(stdout, /; 2 warnings\n$/);
  t.match(stderr, /\[drain-exceeds-stop-timeout\]\n/);
  t.match(stderr, /\[keep-alive-below-idle-timeout\]\n/);
});

t.test('a duration that is none: 64', async t => {
  for (const bad of ['30', '', '0s', '-5s', 'x\n'])
    t.match(run('config/demo.yaml', { stopTimeout: bad }), {
      code: 64,
      stdout: '',
      stderr: /^--stop-timeout .*: write a duration, such as 60s\n$/,
    });
  t.match(run('config/demo.yaml', { idleTimeout: '1 hour' }).stderr, /^--idle-timeout 1 hour: write a duration/);
});
