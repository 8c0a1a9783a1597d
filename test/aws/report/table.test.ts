import t from 'tap';
import { reportTable } from '../../../src/aws/report/table.js';
import { at, CHAT, empty, error, report, sidecar, warning } from './sample.js';

const look = { width: 80, colour: false, ascii: false };

t.test('the drawing, errors before warnings before notes, what is not known, and the sum', async t => {
  const text = reportTable(report({ findings: [warning, error] }), look);
  t.equal(
    text,
    `443 SSL ─v1─► 8080

error clb-shared-instance-port
  Listeners 443 and 80 of chat share instance port 8080, and usher wants a
  header there.
  so    every connection from port 80 is refused with header-missing
  at    clb.json:12 $.LoadBalancerDescriptions[0].ListenerDescriptions[1]
        usher.yaml:4 listeners.chat.proxyProtocol
  do    Give the listener of port 80 an instance port of its own.
        aws elb delete-load-balancer-listeners --load-balancer-name chat --load-balancer-ports 80
        aws elb create-load-balancer-listeners --load-balancer-name chat --listeners Protocol=TCP,LoadBalancerPort=80,InstanceProtocol=TCP,InstancePort=8081
  more  usher explain clb-shared-instance-port

warning nlb-idle
  It is 50 % short, so to say: too short.
  so    idle connections end
  at    some files/a b,c.json:3 $.x
  do    Raise it.
  more  usher explain nlb-idle

not understood broken.json:7
  is not valid JSON

not known clb.json:12 $.NextMarker
  There is a next page.

1 error, 1 warning, 0 notes in 3 files; 1 document not understood
AWS alone was looked at: with --config usher.yaml it is compared with usher
`,
  );
});

t.test('a line is as wide as the terminal at most, but for places and commands', async t => {
  for (const width of [40, 60, 80, 120]) {
    const long = { ...error, message: 'word '.repeat(80).trim(), cure: 'remedy '.repeat(60).trim(), commands: [] };
    const lines = reportTable(report({ findings: [long], problems: [] }), { ...look, width }).split('\n');
    const tooWide = lines.filter(line => /word|remedy/.test(line) && [...line].length > width);
    t.strictSame(tooWide, [], `width ${width}`);
  }
});

t.test('a command stays on one line, and one of several lines keeps them', async t => {
  const commands = ['aws x '.repeat(60).trim(), 'metadata:\n  annotations:\n    a: b'];
  const text = reportTable(report({ findings: [{ ...error, commands }] }), { ...look, width: 40 });
  t.ok(text.includes(`\n        ${commands[0]}\n        metadata:\n          annotations:\n            a: b\n`));
});

t.test('colours', async t => {
  const text = reportTable(report(), { ...look, colour: true });
  t.match(text, '\x1b[1;31merror\x1b[0m clb-shared-instance-port');
  t.match(text, '\x1b[1;33mwarning\x1b[0m nlb-idle');
  t.match(text, '\x1b[1;36mnote\x1b[0m health-note');
  t.notMatch(reportTable(report(), look), '\x1b');
});

t.test('of what was left out, the line of what it would be in; where there is none, the document', async t => {
  const lineOf = ({ steps }: { readonly steps: readonly unknown[] }) =>
    steps.length === 1 ? { line: 3, column: 1 } : undefined;
  const finding = { ...error, places: [at('a.json', 'x', 'y', 'z'), { ...at('b.yaml'), document: 1 }] as const };
  const text = reportTable(report({ findings: [finding], sources: { lineOf } }), look);
  t.match(text, '\n  at    a.json:3 $.x.y.z\n        b.yaml document 2 $\n');
});

t.test('standard input has a name', async t => {
  t.match(reportTable(report(), look), '\n  at    standard input $\n');
});

t.test('nothing of a file is obeyed by a terminal', async t => {
  const evil = 'a\x1b]0;x\x07\u202eb\nc\x00';
  const place = { kind: 'document', file: evil, document: 1, steps: [evil] } as const;
  const finding = {
    ...error,
    message: evil,
    consequence: evil,
    cure: evil,
    commands: [evil],
    places: [place] as const,
  };
  const text = reportTable(
    report({
      findings: [finding],
      problems: [{ file: evil, document: 0, line: 0, message: evil }],
      gaps: [{ kind: 'unassigned', message: evil, at: place }],
      config: evil,
    }),
    look,
  );
  t.notMatch(text, /[\p{Cf}\u2028\u2029]|(?!\n)\p{Cc}/u);
});

t.test('nothing found: what was looked at', async t => {
  const balancer = { at: { kind: 'document', file: 'a', document: 0, steps: [] }, name: 'a' } as const;
  const classics = [
    {
      ...balancer,
      scheme: undefined,
      subnets: [],
      listeners: [1, 2].map(port => ({
        at: balancer.at,
        protocol: 'TCP' as const,
        port,
        instanceProtocol: 'TCP' as const,
        instancePort: port,
      })),
      attached: [],
      otherPolicies: [],
      policies: undefined,
      healthCheck: undefined,
      idleTimeout: undefined,
      instances: [],
      connectionDraining: undefined,
    },
  ];
  const estate = { ...empty.estate, classics };
  const compared = { ...empty, estate, sidecar: sidecar(CHAT), config: 'usher.yaml', flows: [] };
  t.equal(
    reportTable(compared, { ...look, width: 120 }),
    '8080 usher ─► 3000 chat\n\n1 Classic Load Balancer with 2 listeners and usher.yaml fit together; 30 rules asked\n',
  );
  t.equal(
    reportTable({ ...empty, estate, flows: [] }, { ...look, width: 120 }),
    'nothing found in 1 Classic Load Balancer with 2 listeners; 30 rules asked\n' +
      'AWS alone was looked at: with --config usher.yaml it is compared with usher\n',
  );
  t.match(reportTable({ ...empty, flows: [] }, look), /^nothing to check in 3 files: no load balancer/);
});

t.test('a configuration that cannot be used is named', async t => {
  t.match(
    reportTable(report({ config: 'bad.yaml' }), look),
    /\nbad\.yaml cannot be used, so AWS alone was looked at\n$/,
  );
});

t.test('warnings of the configuration itself are counted, and who tells them', async t => {
  const given = report({ config: 'my usher.yaml', sidecar: sidecar(CHAT), ownWarnings: 2 });
  t.match(reportTable(given, look), "\nmy usher.yaml has 2 warnings of its own: usher check 'my usher.yaml'\n");
});

t.test('problems of one document are one document, and a name that is empty is seen', async t => {
  const problems = [1, 2].map(line => ({ file: '', document: 0, line, message: 'is wrong' }));
  const text = reportTable(report({ findings: [], problems }), look);
  t.match(text, 'not understood "":2\n  is wrong');
  t.match(text, '; 1 document not understood');
});
