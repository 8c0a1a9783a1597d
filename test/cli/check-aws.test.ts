/** `usher check aws`, with real files; what the rules find is tested with them. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkAws } from '../../src/cli/check-aws.js';
import { type CheckAwsOptions, readFormat, readLook } from '../../src/cli/check-aws-options.js';
import { readAssignments } from '../../src/cli/given-files.js';
import { runCommand } from '../support/peer-usher.js';

const CLB = JSON.stringify({
  LoadBalancerDescriptions: [
    {
      LoadBalancerName: 'chat',
      ListenerDescriptions: [
        {
          Listener: { Protocol: 'SSL', LoadBalancerPort: 443, InstanceProtocol: 'TCP', InstancePort: 8080 },
          PolicyNames: [],
        },
      ],
      BackendServerDescriptions: [{ InstancePort: 8080, PolicyNames: ['usher'] }],
      Policies: { AppCookieStickinessPolicies: [], LBCookieStickinessPolicies: [], OtherPolicies: ['usher'] },
    },
  ],
});
const POLICIES = JSON.stringify({
  PolicyDescriptions: [
    {
      PolicyName: 'usher',
      PolicyTypeName: 'ProxyProtocolPolicyType',
      PolicyAttributeDescriptions: [{ AttributeName: 'ProxyProtocol', AttributeValue: 'true' }],
    },
  ],
});
const GOOD =
  'listeners: { chat: { listen: 8080, backendPort: 3000, trustedSources: [10.0.0.0/8], forwardedProto: https } }\n';
const WARNED = 'listeners: { chat: { listen: 8080, backendPort: 3000, forwardedProto: https } }\n';
const BAD = 'listeners:\n  a: { listen: 8080, backendPort: 3000 }\n  b: { listen: 8081, backendPort: 3000 }\n';

const testdir = (t: Test) =>
  t.testdir({
    'clb.json': CLB,
    'policies.json': POLICIES,
    'good.yaml': GOOD,
    'warned.yaml': WARNED,
    'bad.yaml': BAD,
    'broken.json': '{ "LoadBalancerDescriptions": [ }',
    all: {
      'clb.json': CLB,
      'policies.json': POLICIES,
      'usher.yaml': GOOD,
      'notes.txt': 'x',
      deeper: { 'a.json': '[' },
    },
  });

interface Given {
  readonly stdin?: string;
  readonly isTTY?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

async function run(words: readonly string[], options: CheckAwsOptions = {}, given: Given = {}) {
  const { stdin = '', isTTY = false, env = {}, cwd = '/' } = given;
  let [out, err] = ['', ''];
  async function* pieces() {
    yield stdin;
  }
  const code = await checkAws(words, options, {
    stdin: Object.assign(pieces(), { isTTY }),
    stdout: { write: (text: string) => (out += text), columns: 200 },
    stderr: { write: (text: string) => (err += text) },
    env,
    cwd: () => cwd,
  });
  return { code, out, err };
}

/** The balancer with its policies, and a configuration. */
const files = (dir: string, config?: string) => {
  const words = [join(dir, 'clb.json')];
  const loadBalancer = [`chat=${join(dir, 'policies.json')}`];
  return [words, { loadBalancer, ...(config === undefined ? {} : { config: join(dir, config) }) }] as const;
};

t.test('what fits: 0, the drawing, and what was looked at', async t => {
  const dir = testdir(t);
  const { code, out, err } = await run(...files(dir, 'good.yaml'));
  t.equal(out.split('\n')[0], '443 SSL ─v1─► 8080 usher ─► 3000 chat');
  t.notMatch(out, /^error|not understood/m);
  t.strictSame({ code, err }, { code: 0, err: '' });
});

t.test('without a configuration AWS alone is looked at, and that is said', async t => {
  const { out } = await run(...files(testdir(t)));
  t.equal(out.split('\n')[0], '443 SSL ─v1─► 8080');
  t.match(out, /\nAWS alone was looked at: with --config usher\.yaml it is compared with usher\n$/);
});

t.test('USHER_CONFIG names the configuration too', async t => {
  const dir = testdir(t);
  const { out } = await run(...files(dir), { env: { USHER_CONFIG: join(dir, 'good.yaml') } });
  t.match(out, /^443 SSL ─v1─► 8080 usher ─► 3000 chat\n/);
});

t.test('warnings of the configuration itself are counted only, with --strict too', async t => {
  const dir = testdir(t);
  const [words, options] = files(dir, 'warned.yaml');
  const { code, out } = await run(words, { ...options, strict: true });
  t.equal(code, 0);
  t.match(out.replaceAll('\n', ' '), 'warned.yaml has 1 warning of its own: usher check ');
});

t.test('a warning: 0, with --strict 1', async t => {
  const words = [join(testdir(t), 'clb.json')];
  const { code, out } = await run(words);
  t.match(out, /^warning clb-policies-unknown$/m);
  t.equal(code, 0);
  t.equal((await run(words, { strict: true })).code, 1);
});

t.test('a configuration with errors: 78, its problems, and AWS is checked all the same', async t => {
  const dir = testdir(t);
  const [words, options] = files(dir, 'bad.yaml');
  const { code, out, err } = await run(words, options);
  t.equal(code, 78);
  t.match(out, /^443 SSL ─v1─► 8080\n/);
  t.match(out, /\nerror duplicate-backend-port\n {2}port 3000 is the backend port of listeners\.a/);
  t.match(
    out,
    'so    One endpoint belongs to one listener or one backend: usher does not start with this configuration',
  );
  t.match(out, `at    ${join(dir, 'bad.yaml')}:3 listeners.b.backendPort`);
  t.match(out, '  more  usher explain duplicate-backend-port\n');
  t.match(out.replaceAll('\n', ' '), 'bad.yaml cannot be used, so AWS alone was looked at');
  t.equal(err, '', 'told once');
});

t.test('with a report for a machine the problems are told as usher check does', async t => {
  const dir = testdir(t);
  const [words, options] = files(dir, 'bad.yaml');
  const { code, out, err } = await run(words, { ...options, json: true });
  t.equal(code, 78);
  t.match(err, /bad\.yaml:3:22 listeners\.b\.backendPort: .*\[duplicate-backend-port\]\n$/);
  const json = JSON.parse(out);
  t.match(json.findings[0], {
    rule: 'duplicate-backend-port',
    severity: 'error',
    places: [{ kind: 'config', line: 3 }],
  });
  t.match(json.summary, { compared: false });
});

t.test('standard input, named or not', async t => {
  for (const words of [['-'], []]) {
    const { code, out } = await run(words, { json: true }, { stdin: CLB });
    const json = JSON.parse(out);
    t.equal(code, 0);
    t.match(json.flows, [{ balancer: 'chat', frontPort: 443, port: 8080, place: { file: '-', line: 1 } }]);
  }
});

t.test('a directory means its files, not those deeper, and not the configuration', async t => {
  const dir = join(testdir(t), 'all');
  const { code, out } = await run([dir], { config: join(dir, 'usher.yaml'), json: true });
  t.equal(code, 0);
  t.match(JSON.parse(out).summary, { files: 3, problems: 0, compared: true });
});

t.test('a file that cannot be read or understood: 1, and the rest is checked', async t => {
  const dir = testdir(t);
  const { code, out } = await run([join(dir, 'none.json'), join(dir, 'broken.json'), join(dir, 'clb.json')]);
  t.equal(code, 1);
  t.match(out, /^443 SSL/);
  t.match(out, `\nnot understood ${join(dir, 'none.json')}\n  there is no such file: check the path\n`);
  t.match(out, /\nnot understood .*broken\.json:1\n/);
});

t.test('SARIF and annotations name files from the directory', async t => {
  const dir = testdir(t);
  const [words, options] = files(dir, 'bad.yaml');
  const sarif = await run(words, { ...options, format: 'sarif' }, { cwd: dir });
  const [{ results, tool }] = JSON.parse(sarif.out).runs;
  t.match(results[0].locations, [{ physicalLocation: { artifactLocation: { uri: 'bad.yaml' } } }]);
  t.equal(tool.driver.rules[results[0].ruleIndex].id, 'duplicate-backend-port');
  const github = await run(words, { ...options, format: 'github' }, { cwd: dir });
  t.match(github.out, /^::error file=bad\.yaml,line=3,col=22,title=duplicate-backend-port::/m);
});

const wrong: readonly (readonly [name: string, words: readonly string[], options: CheckAwsOptions, says: RegExp])[] = [
  ['a format that there is not', ['-'], { format: 'xml' }, /--format xml: write one of table, json, sarif, github/],
  ['two formats', ['-'], { json: true, format: 'sarif' }, /--json and --format sarif: keep one/],
  ['no file behind the name', [], { targetGroup: ['arn:x'] }, /--target-group arn:x: write ARN=FILE/],
  ['no name in front', [], { loadBalancer: ['=x'] }, /--load-balancer =x: write NAME=FILE/],
  ['an empty file name', [], { listener: ['arn:x='] }, /--listener arn:x=: write ARN=FILE/],
  ['nothing on standard input', [], {}, /no file to check: save what aws elb describe-load-balancers/],
  ['what a terminal obeys', [], { listener: ['\x1b[2J'] }, /--listener \\x1b\[2J: write/],
];

for (const [name, words, options, says] of wrong)
  t.test(`wrong usage: ${name}: 64`, async t => {
    const { code, out, err } = await run(words, options);
    t.strictSame({ code, out }, { code: 64, out: '' });
    t.match(err, says);
    t.match(err, /^usher check aws: [^\n]*\n$/, 'one sentence');
  });

t.test('wrong usage: a terminal as standard input, and no file: 64', async t => {
  const { code, err } = await run([], {}, { isTTY: true, stdin: CLB });
  t.equal(code, 64);
  t.match(err, /describe-target-groups.*kubectl get service -o json.*usher check aws FILE/);
});

t.test('formats and owners', async t => {
  t.equal(readFormat({}), 'table');
  t.equal(readFormat({ json: true, format: 'json' }), 'json');
  t.strictSame(readAssignments({ targetGroup: ['arn:a=x=y.json'], listener: ['l=-'], loadBalancer: ['n=f'] }), [
    { of: 'arn:a', file: 'x=y.json' },
    { of: 'l', file: '-' },
    { of: 'n', file: 'f' },
  ]);
});

t.test('how wide, with which colours and characters', async t => {
  const terminal = { isTTY: true, columns: 90 };
  t.strictSame(readLook({}, terminal, { LANG: 'en_US.UTF-8' }), { width: 90, colour: true, ascii: false });
  t.match(readLook({}, { isTTY: false }, {}), { width: 100, colour: false, ascii: false });
  t.match(readLook({}, { columns: 10 }, {}), { width: 40 });
  t.match(readLook({}, { columns: 400 }, {}), { width: 120 });
  t.match(readLook({ color: false }, terminal, {}), { colour: false });
  t.match(readLook({}, terminal, { NO_COLOR: '1' }), { colour: false });
  t.match(readLook({}, terminal, { NO_COLOR: '' }), { colour: true });
  t.match(readLook({}, terminal, { TERM: 'dumb' }), { colour: false });
  t.match(readLook({ ascii: true }, terminal, {}), { ascii: true });
  for (const [env, ascii] of [
    [{ LANG: 'C' }, true],
    [{ LANG: 'POSIX' }, true],
    [{ LANG: 'C.utf8' }, false],
    [{ LC_ALL: 'C', LANG: 'de_DE.UTF-8' }, true],
    [{ LC_ALL: '', LC_CTYPE: 'de_DE.UTF-8', LANG: 'C' }, false],
  ] as const)
    t.equal(readLook({}, terminal, env).ascii, ascii, JSON.stringify(env));
});

t.test('beside usher check: a configuration that is called aws, and options of the other', async t => {
  const dir = t.testdir({ aws: GOOD });
  const file = await runCommand(t, ['check', join(dir, 'aws')]);
  t.equal(file.ending, 0);
  t.match(file.stdout, /aws: 1 listener, 1 backend/);
  const stray = await runCommand(t, ['check', 'aws', '--stop-timeout', '3s']);
  t.equal(stray.ending, 64);
  t.match(stray.stderr, /^usher: --stop-timeout goes with usher check FILE, not with usher check aws;/);
});

t.test('the command itself', async t => {
  const dir = testdir(t);
  const policies = `chat=${join(dir, 'policies.json')}`;
  const words = ['check', 'aws', join(dir, 'clb.json'), '--load-balancer', policies, '--ascii', '--no-color'];
  const program = await runCommand(t, [...words, '--config', join(dir, 'good.yaml')]);
  t.equal(program.ending, 0);
  t.match(program.stdout, /^443 SSL -v1-> 8080 usher -> 3000 chat\n/);
});
