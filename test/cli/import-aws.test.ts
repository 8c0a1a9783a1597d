import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type ImportAwsOptions, importAws } from '../../src/cli/import-aws.js';
import { loadConfigText } from '../../src/control/config/load.js';

const EXAMPLES = fileURLToPath(new URL('../../../test/aws/import/examples', import.meta.url));
const FARGATE = join(EXAMPLES, 'nlb-fargate');
const fargate = (name: string) => join(FARGATE, `${name}.json`);

async function run(words: readonly string[], options: ImportAwsOptions = {}, input?: string) {
  const written = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const stdin = Object.assign(Readable.from(input === undefined ? [] : [input]), { isTTY: input === undefined });
  const code = await importAws(words, options, { stdin, stdout: sink('stdout'), stderr: sink('stderr') });
  return { code, ...written };
}

t.test('of a directory every file has to be one of AWS or Kubernetes', async t => {
  const { code, stdout, stderr } = await run([FARGATE]);
  t.match({ code, stdout }, { code: 1, stdout: '' });
  t.match(stderr, /nlb-fargate\/usher\.yaml/);
  const other = await run([FARGATE], { out: join(FARGATE, 'usher.yaml') });
  t.match(other.stderr, /^usher import aws: .*usher\.yaml: this file is there already/, 'but for the one to write');
});

t.test('files become a configuration, and what is open is told', async t => {
  const names = ['attributes', 'balancers', 'listeners', 'target-groups', 'task'].map(fargate);
  const { code, stdout, stderr } = await run(names);
  t.equal(code, 0);
  t.equal(loadConfigText(stdout, 'usher.yaml').ok, true);
  const [first, second] = stderr.split('\n');
  t.equal(first, 'usher import aws: 1 listener, 1 question to answer');
  t.match(second, /^ {2}1\. listeners\.chat-tasks\.trustedSources: Which subnets/);
});

t.test('standard input is read where no file is named', async t => {
  const { code, stdout } = await run([], {}, readFileSync(join(EXAMPLES, 'kubernetes', 'service.yaml'), 'utf8'));
  t.equal(code, 0);
  t.match(stdout, '# - standard input: Kubernetes Service chat');
  t.match(stdout, '#   usher check aws - --config usher.yaml');
});

t.test('an owner of a file is taken along into the next command', async t => {
  const arn = 'arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/chat-tasks/6d0ecf831eec9f09';
  const names = ['balancers', 'listeners', 'target-groups'].map(fargate);
  const { code, stdout } = await run(names, { targetGroup: [`${arn}=${fargate('attributes')}`], backendPort: '4000' });
  t.equal(code, 0);
  t.match(stdout, `--target-group ${arn}=${fargate('attributes')} --config usher.yaml`);
  t.match(stdout, 'backendPort: 4000 # as --backend-port says');
});

t.test('--out writes a new file and never over an old one', async t => {
  const out = join(t.testdir({}), 'new.yaml');
  const words = [join(EXAMPLES, 'kubernetes', 'service.yaml')];
  const first = await run(words, { out });
  t.match(first, { code: 0, stdout: '' });
  t.match(first.stderr, `${out}: 2 listeners`);
  t.match(readFileSync(out, 'utf8'), `#   usher check ${out}`);
  const second = await run(words, { out });
  t.equal(second.code, 1);
  t.match(second.stderr, 'this file is there already');
  const third = await run(words, { out: join(out, 'below.yaml') });
  t.equal(third.code, 1);
  t.match(third.stderr, 'cannot be written');
});

t.test('what cannot be understood, or has nothing in it, ends with 1 and one sentence each', async t => {
  const dir = t.testdir({ 'broken.json': '{', 'none.json': '{"LoadBalancerDescriptions":[]}' });
  for (const name of ['gone.json', 'broken.json', 'none.json']) {
    const { code, stdout, stderr } = await run([join(dir, name)]);
    t.match({ code, stdout }, { code: 1, stdout: '' }, name);
    t.match(stderr, /^usher import aws: .+\n$/, name);
  }
});

t.test('wrong usage ends with 64', async t => {
  const file = fargate('task');
  const wrong: readonly [readonly string[], ImportAwsOptions, RegExp, string?][] = [
    [[], {}, /no file to import/],
    [[], {}, /no file to import/, ''],
    [[file], { backendPort: '0' }, /--backend-port: "0" is not a port/],
    [[file], { targetGroup: ['arn'] }, /--target-group arn: write ARN=FILE/],
  ];
  for (const [words, options, expected, input] of wrong) {
    const { code, stderr } = await run(words, options, input);
    t.equal(code, 64);
    t.match(stderr, expected);
  }
});
