/** Files of strangers: nothing throws, nothing takes long, nothing long is said. */
import fc from 'fast-check';
import t from 'tap';
import { MAX_ELEMENTS } from '../../../src/aws/read/elements.js';
import { readEstate } from '../../../src/aws/read/read-estate.js';
import {
  classicAttributes,
  classics,
  file,
  listeners,
  networks,
  policies,
  service,
  targetGroup,
  targetGroupAttributes,
  targetHealth,
  taskDefinition,
} from './outputs.js';

const DOCUMENTS = [
  ...[classics(), policies(), classicAttributes(), networks, listeners, { TargetGroups: [targetGroup('blue')] }],
  ...[targetGroupAttributes(), targetHealth(), taskDefinition, service],
];
const MAX_MESSAGE = 700;

const told = (content: unknown) => readEstate([file('x', content)]).problems.map(({ message }) => message);

t.test('cut at every offset', async t => {
  for (const document of DOCUMENTS) {
    const text = JSON.stringify(document);
    for (let end = 1; end < text.length; end += 1) {
      const { problems, estate } = readEstate([file('x', text.slice(0, end))]);
      if (problems.length !== 1 || !/^is not valid JSON/.test(problems[0]?.message ?? '')) {
        t.fail(`at ${end} of ${text.slice(0, 40)}`);
      }
      if (Object.values(estate).some(things => things.length > 0)) t.fail('something was read');
    }
    t.pass(`${text.length} offsets`);
  }
});

t.test('YAML cut at every offset', async t => {
  const text =
    'apiVersion: v1\nkind: Service\nmetadata: {name: "x", annotations: {a: &b "c", d: *b}}\nspec:\n  ports:\n  - port: 80\n';
  for (let end = 0; end <= text.length; end += 1) readEstate([file('x', text.slice(0, end))]);
  t.equal(readEstate([file('x', text)]).estate.services.length, 1);
});

/** Paths to all values of a document. */
function pathsOf(value: unknown): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [[], ...entries.flatMap(([key, inner]) => pathsOf(inner).map(path => [key, ...path]))];
}

function replaced(value: unknown, [step, ...rest]: readonly (string | number)[], by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value)) return value.map((inner, index) => (index === step ? replaced(inner, rest, by) : inner));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, key === step ? replaced(inner, rest, by) : inner]);
  return Object.fromEntries(entries);
}

t.test('every value replaced by something else', async t => {
  const others = [null, true, -1, 1e300, 'x'.repeat(10_000), [], [[]], {}, { ['__proto__']: { Port: 1 } }];
  for (const document of DOCUMENTS) {
    for (const path of pathsOf(document)) {
      for (const other of others) {
        const messages = told(replaced(document, path, other));
        const long = messages.find(message => message.length > MAX_MESSAGE || message.includes('x'.repeat(61)));
        if (long !== undefined) t.fail(`a long message: ${long.slice(0, 200)}`);
      }
    }
    t.pass(Object.keys(document).join());
  }
});

t.test('anything', async t => {
  const keys = DOCUMENTS.flatMap(document => pathsOf(document))
    .flat()
    .filter(step => typeof step === 'string');
  const { value } = fc.letrec<{ value: unknown }>(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, 0, 80, '80', 'TCP', 'v1', 'Service', true),
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...new Set(keys), '__proto__', 'constructor'), tie('value'), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(
      value,
      fc.array(fc.record({ of: fc.string(), file: fc.constantFrom('x', 'y') })),
      (content, assignments) => {
        const text = JSON.stringify(content);
        const { problems } = readEstate([file('x', text), file('y', `# YAML\n${text}`)], assignments);
        return problems.every(({ message }) => message.length < MAX_MESSAGE && !message.includes('\n'));
      },
    ),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      readEstate([{ name: 'x', bytes }]);
    }),
    { numRuns: 500 },
  );
  t.pass('never throws');
});

t.test('deep nesting', async t => {
  t.match(told('['.repeat(1_000_000))[0], /more than 64 objects and lists in each other/);
  t.match(told(`{"Listeners": ${'{"a":'.repeat(100_000)}`)[0], /more than 64/);
  t.match(told(`a: ${'['.repeat(50_000)}`)[0], /^is not valid YAML/);
  t.match(told(`${'- '.repeat(50_000)}a`)[0], /^is/);
});

t.test('aliases that grow', async t => {
  const lines = Array.from({ length: 30 }, (_, index) => `- &a${index + 1} [${`*a${index}, `.repeat(9)}1]`);
  t.match(told(`- &a0 [1]\n${lines.join('\n')}\n`)[0], /^is not valid YAML: Excessive alias count/);
  t.match(told('&a [*a]')[0], /^is/, 'an alias of what it stands in');
});

t.test('huge numbers', async t => {
  t.match(told('{"TargetHealthDescriptions": [{"Target": {"Id": "a", "Port": 1e999}}]}')[0], /Port should be a port/);
  t.match(told(`{"TargetHealthDescriptions": [{"Target": {"Id": "a", "Port": ${'9'.repeat(1000)}}}]}`)[0], /should be/);
});

t.test('a key that is written twice: the last one counts', async t => {
  const { estate, problems } = readEstate([
    file(
      'x',
      '{"Listeners": 1, "Listeners": [{"ListenerArn": "a", "LoadBalancerArn": "b", "Protocol": "TCP", "Port": 1, "Port": 2}]}',
    ),
  ]);
  t.strictSame(problems, []);
  t.equal(estate.listeners[0]?.port, 2);
});

t.test('__proto__ is a key like any other', async t => {
  const text = '{"__proto__": {"Listeners": []}, "TargetGroups": [{"__proto__": {"TargetGroupArn": "a"}}]}';
  t.match(told(text)[0], /TargetGroupArn is missing/);
  t.match(told('{"__proto__": {"Listeners": []}}')[0], /is an object with the keys "__proto__"/);
  const policy = {
    PolicyName: 'p',
    PolicyTypeName: 't',
    PolicyAttributeDescriptions: [{ AttributeName: '__proto__', AttributeValue: 'x' }],
  };
  const { estate } = readEstate([file('x', classics()), file('chat-classic', { PolicyDescriptions: [policy] })]);
  t.strictSame(Object.entries(estate.classics[0]?.policies?.[0]?.attributes ?? {}), [['__proto__', 'x']]);
  t.equal(Reflect.get({}, 'x'), undefined);
});

t.test('more elements than anybody has', async t => {
  const subnets = Array.from({ length: MAX_ELEMENTS }, () => 's');
  const { estate, problems } = readEstate([
    file('x', { LoadBalancerDescriptions: [{ LoadBalancerName: 'x', Subnets: subnets }] }),
    file('y', networks),
  ]);
  t.equal(estate.classics[0]?.subnets.length, MAX_ELEMENTS - 1);
  t.strictSame(estate.networks, []);
  t.match(problems, [{ file: 'x', message: /^the files hold more than 100000 elements of lists/ }]);
});

t.test('more problems than anybody reads', async t => {
  const messages = told({ Listeners: Array.from({ length: 50_000 }, () => ({})) });
  t.equal(messages.length, 21);
  t.equal(messages.at(-1), 'has 49980 more problems like these');
});

t.test('long names are told, and long values cut', async t => {
  const long = 'x'.repeat(1_000_000);
  t.match(told({ TargetGroups: [{ ...targetGroup('blue'), TargetGroupName: long }] }), [
    /^\$\.TargetGroups\[0\]\.TargetGroupName should be a string of at most 2048 characters, not "x{59}…"$/,
  ]);
  const annotations = { [long]: 'a', 'kubectl.kubernetes.io/last-applied-configuration': long };
  const { estate, problems } = readEstate([
    file('x', { ...service, metadata: { name: 'chat', annotations } }),
    file('y', targetGroupAttributes(long)),
  ]);
  t.strictSame(problems, []);
  t.strictSame(
    [...(estate.services[0]?.annotations ?? [])].map(([key, { value }]) => [key, value.length]),
    [['kubectl.kubernetes.io/last-applied-configuration', 4096]],
  );
});

t.test('thousands of documents that may be of thousands of things', async t => {
  const names = Array.from({ length: 20_000 }, (_, index) => `group-${index}`);
  const documents = names.slice(0, 10_000).map(() => JSON.stringify(targetGroupAttributes()));
  const { estate } = readEstate([
    file('groups.json', { TargetGroups: names.map(name => targetGroup(name)) }),
    file('attributes.json', documents.join('\n')),
  ]);
  t.equal(estate.targetGroups.length, 20_000);
  t.equal(estate.gaps.length, 10_000);
});

t.test('a port 0 is none, but where others choose it', async t => {
  t.match(told({ TargetGroups: [{ ...targetGroup('blue'), Port: 0 }] }), [
    '$.TargetGroups[0].Port should be a port number from 1 to 65535, not 0',
  ]);
  const ports = [{ port: 80, targetPort: 0, nodePort: 0 }];
  const { estate, problems } = readEstate([file('x', { ...service, spec: { ports } })]);
  t.strictSame(problems, []);
  t.match(estate.services[0]?.ports, [{ port: 80, targetPort: undefined, nodePort: undefined }]);
});

t.test('a name that a command would take for an option, a file or an address is none', async t => {
  for (const name of ['--all', 'file:///etc/passwd', 'https://example.com']) {
    t.match(told({ TargetGroups: [{ ...targetGroup('blue'), TargetGroupName: name }] }), [
      /should be a name, an id or an ARN/,
    ]);
    t.match(told({ ...service, metadata: { name } }), [/should be a name, an id or an ARN/]);
  }
});
