/** Whole accounts: everything is looked for from everything, and that must not take minutes or fill a file. */
import t from 'tap';
import { flowsOf } from '../../src/aws/flows.js';
import { importConfig } from '../../src/aws/import/import-config.js';
import { inspect } from '../../src/aws/inspect.js';
import { type InputFile, readEstate } from '../../src/aws/read/read-estate.js';
import { loadSidecarText } from '../../src/control/config/sidecar.js';

const MANY = 3000;
const START = 'arn:aws:elasticloadbalancing:eu-central-1:123456789012';
const numbers = Array.from({ length: MANY }, (_, index) => index);

/** Each balancer with a listener and a target group, all of them with usher's port. */
function account(): readonly InputFile[] {
  const balancer = (n: number) => `${START}:loadbalancer/net/chat-${n}/${n}`;
  const group = (n: number) => `${START}:targetgroup/chat-${n}/${n}`;
  const outputs = {
    'load-balancers.json': {
      LoadBalancers: numbers.map(n => ({
        LoadBalancerArn: balancer(n),
        LoadBalancerName: `chat-${n}`,
        Scheme: 'internet-facing',
        Type: 'network',
        AvailabilityZones: [],
      })),
    },
    'listeners.json': {
      Listeners: numbers.map(n => ({
        ListenerArn: `${START}:listener/net/chat-${n}/${n}/1`,
        LoadBalancerArn: balancer(n),
        Port: 443,
        Protocol: 'TLS',
        DefaultActions: [{ Type: 'forward', TargetGroupArn: group(n) }],
      })),
    },
    'target-groups.json': {
      TargetGroups: numbers.map(n => ({
        TargetGroupArn: group(n),
        TargetGroupName: `chat-${n}`,
        Protocol: 'TCP',
        Port: 8080,
        HealthCheckProtocol: 'TCP',
        HealthCheckPort: 'traffic-port',
        HealthCheckEnabled: true,
        LoadBalancerArns: [balancer(n)],
        TargetType: 'ip',
      })),
    },
  };
  return Object.entries(outputs).map(([name, output]) => ({ name, bytes: Buffer.from(JSON.stringify(output)) }));
}

const { estate, problems } = readEstate(account());
const flows = flowsOf(estate);

t.test('an account is read', async t => {
  t.same([...problems, ...estate.gaps], []);
  t.equal(flows.length, MANY);
});

t.test('every second group with a header, every other without: pairs are not looked for one by one', async t => {
  const loaded = loadSidecarText('listeners: { chat: { listen: 8080, backendPort: 3000 } }', 'usher.yaml');
  if (!loaded.ok) throw new Error('the configuration is refused');
  const mixed = flows.map((flow, index) => ({ ...flow, header: index % 2 === 0 ? 'v2' : 'none' }) as const);
  // Less than a second; looked for one by one it was a minute, which the test runner ends.
  const found = inspect(estate, loaded.sidecar, mixed);
  t.equal(found.filter(({ rule }) => rule === 'header-mixed-port').length, MANY / 2);
});

t.test('a question has twenty commands at most, and counts the others', async t => {
  const { yaml = '', questions } = importConfig(estate, flows);
  const asked = questions.find(({ words }) => words.startsWith('Does a PROXY header come'));
  t.equal(asked?.commands.length, 20);
  t.equal(asked?.more, MANY - 20);
  t.match(yaml, `\n    #   and ${MANY - 20} more like these\n`);
  t.ok(yaml.length < 20_000, 'the file stays one that a person reads');
});
