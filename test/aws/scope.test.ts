/** Whose balancers a check looks at, when the files hold those of a whole account. */
import t from 'tap';
import { inspect } from '../../src/aws/inspect.js';
import { readEstate } from '../../src/aws/read/read-estate.js';
import { loadSidecarText } from '../../src/control/config/sidecar.js';

const ARN = 'arn:aws:elasticloadbalancing:eu-central-1:123456789012';
const USHER =
  'listeners:\n  chat: { listen: 8080, trustedSources: [10.0.0.0/8], forwardedProto: https, backendPort: 3000 }\n';

function balancer(name: string, type: 'net' | 'app') {
  const word = type === 'net' ? 'network' : 'application';
  return { LoadBalancerArn: `${ARN}:loadbalancer/${type}/${name}/1`, LoadBalancerName: name, Type: word };
}

function group(name: string, type: 'net' | 'app', port: number) {
  return {
    TargetGroupArn: `${ARN}:targetgroup/${name}/1`,
    TargetGroupName: name,
    Protocol: type === 'net' ? 'TCP' : 'HTTP',
    Port: port,
    TargetType: 'ip',
    HealthCheckProtocol: type === 'net' ? 'TCP' : 'HTTP',
    HealthCheckPort: 'traffic-port',
    LoadBalancerArns: [`${ARN}:loadbalancer/${type}/${name}/1`],
  };
}

const SENDS = {
  Attributes: [
    { Key: 'proxy_protocol_v2.enabled', Value: 'true' },
    { Key: 'preserve_client_ip.enabled', Value: 'false' },
  ],
};

/** `severity rule: message` of an account with a right balancer `chat` on 8080 and others beside it. */
function found(others: readonly (readonly [string, 'net' | 'app', number])[], usher = USHER): string[] {
  const all = [['chat', 'net', 8080] as const, ...others];
  const texts = {
    'balancers.json': { LoadBalancers: all.map(([name, type]) => balancer(name, type)) },
    'target-groups.json': { TargetGroups: all.map(([name, type, port]) => group(name, type, port)) },
    'attributes-chat.json': SENDS,
  };
  const files = Object.entries(texts).map(([name, json]) => ({ name, bytes: Buffer.from(JSON.stringify(json)) }));
  const config = loadSidecarText(usher, 'usher.yaml');
  if (!config.ok) throw new Error('a bad configuration');
  return inspect(readEstate(files).estate, config.sidecar)
    .filter(({ severity, rule }) => severity !== 'warning' || !rule.startsWith('nlb-'))
    .map(({ severity, rule, message }) => `${severity} ${rule}: ${message}`);
}

t.test('balancers of other teams are named once, and not judged', async t => {
  t.strictSame(
    found([
      ['pay', 'app', 8000],
      ['db', 'net', 5432],
    ]),
    ['note port-elsewhere: pay and db send to no port on which usher listens, while another balancer does'],
  );
});

t.test('alone with usher, nothing is said', async t => t.strictSame(found([]), []));

t.test('where no balancer sends to usher, each is looked at', async t => {
  const rules = found([['db', 'net', 5432]], USHER.replace('8080', '8008')).map(text => text.split(':')[0]);
  t.strictSame(rules, ['error port-not-listened', 'error port-not-listened', 'note port-not-forwarded']);
});
