import { join } from 'node:path';
import t from 'tap';
import { check } from '../../../src/cli/check.js';

const run = (file: string | undefined) => {
  let stdout = '';
  let stderr = '';
  const code = check(file, {
    stdout: { write: text => (stdout += text) },
    stderr: { write: text => (stderr += text) },
  });
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
