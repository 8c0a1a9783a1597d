/** Rules about Network Load Balancers, health checks, ECS and Kubernetes, against files as the command lines print them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Finding, Rule } from '../../src/aws/finding.js';
import { flowsOf } from '../../src/aws/flows.js';
import { readEstate } from '../../src/aws/read/read-estate.js';
import { ecsPortMissing, ecsPortOfApplication } from '../../src/aws/rules/ecs-ports.js';
import { ecsFargateStopTimeout, ecsNotEssential, ecsStopOrder, ecsStopTimeout } from '../../src/aws/rules/ecs-stop.js';
import { healthCheckHeader, healthCheckRefused, healthCheckTls } from '../../src/aws/rules/health-check-header.js';
import { healthCheckBypassesUsher, healthCheckUnreachable } from '../../src/aws/rules/health-check-port.js';
import {
  kubernetesConflict,
  kubernetesHttpProtocol,
  kubernetesProxyProtocolValue,
} from '../../src/aws/rules/kubernetes-header.js';
import { kubernetesHeaderIgnored } from '../../src/aws/rules/kubernetes-header-ignored.js';
import { kubernetesTrafficPolicy } from '../../src/aws/rules/kubernetes-traffic-policy.js';
import { nlbAttributesUnknown, nlbClientIpLost } from '../../src/aws/rules/nlb-header.js';
import { nlbConnectionTermination, nlbDeregistrationDelay, nlbIdleTimeout } from '../../src/aws/rules/nlb-lifetime.js';
import { nlbApplicationBalancer, nlbTargetType, nlbUdp } from '../../src/aws/rules/nlb-protocols.js';
import { nlbTrustedOpen, nlbTrustedSources } from '../../src/aws/rules/nlb-trust.js';
import { nlbUnhealthyTermination } from '../../src/aws/rules/nlb-unhealthy-termination.js';
import { loadSidecarText } from '../../src/control/config/sidecar.js';

const RULES: readonly Rule[] = [
  nlbUdp,
  nlbTargetType,
  nlbApplicationBalancer,
  nlbAttributesUnknown,
  nlbClientIpLost,
  nlbTrustedSources,
  nlbTrustedOpen,
  nlbIdleTimeout,
  nlbDeregistrationDelay,
  nlbConnectionTermination,
  nlbUnhealthyTermination,
  healthCheckHeader,
  healthCheckRefused,
  healthCheckTls,
  healthCheckUnreachable,
  healthCheckBypassesUsher,
  ecsPortMissing,
  ecsPortOfApplication,
  ecsNotEssential,
  ecsStopOrder,
  ecsStopTimeout,
  ecsFargateStopTimeout,
  kubernetesProxyProtocolValue,
  kubernetesHttpProtocol,
  kubernetesTrafficPolicy,
  kubernetesConflict,
  kubernetesHeaderIgnored,
];

const ROOT = fileURLToPath(new URL('../../../test/aws/fixtures', import.meta.url));
const DEPLOY = fileURLToPath(new URL('../../../config/deploy', import.meta.url));
const CONFIG = 'usher.yaml';

/** What all rules find in a directory, changed where a case says so. */
function findingsOf(
  directory: string,
  change: (text: string, name: string) => string = text => text,
  { without = [], beside = [] }: Pick<Case, 'without' | 'beside'> = {},
): Finding[] {
  const names = readdirSync(directory).filter(name => !without.includes(name));
  const text = (name: string) => change(readFileSync(join(directory, name), 'utf8'), name);
  const files = names.filter(name => name !== CONFIG).map(name => ({ name, bytes: Buffer.from(text(name)) }));
  const more = beside.map((text, index) => ({ name: `beside-${index}.json`, bytes: Buffer.from(text) }));
  const { estate, problems } = readEstate([...files, ...more]);
  t.same([...problems, ...estate.gaps], [], `${directory} is read without a word`);
  const result = names.includes(CONFIG) ? loadSidecarText(text(CONFIG), CONFIG) : undefined;
  if (result?.ok === false) throw new Error(result.problems.map(({ message }) => message).join('; '));
  const scene = { estate, flows: flowsOf(estate), sidecar: result?.sidecar };
  return RULES.flatMap(rule => [...rule.check(scene)]);
}

for (const rule of RULES) {
  t.test(`${rule.id} finds its fault, and nothing where there is none`, async t => {
    const found = findingsOf(join(ROOT, rule.id, 'fault')).filter(finding => finding.rule === rule.id);
    t.equal(found.length, 1, 'one finding');
    for (const finding of found) {
      t.equal(finding.severity, rule.severity, 'as severe as the rule');
      for (const words of [finding.message, finding.consequence, finding.cure, ...finding.commands]) {
        t.notMatch(words, /undefined|NaN|[\r\n]|\.$/, words);
      }
      t.matchOnly(
        new Set(finding.places.map(({ kind }) => kind)).size,
        readdirSync(join(ROOT, rule.id, 'fault')).includes(CONFIG) ? 2 : 1,
        'both sides are named',
      );
    }
    const fine = findingsOf(join(ROOT, rule.id, 'fine'));
    t.same(
      fine
        .filter(({ rule: id, severity }) => id === rule.id || severity !== 'note')
        .map(({ rule, message }) => `${rule}: ${message}`),
      [],
    );
  });

  t.test(`${rule.id} has a title and a story for a terminal`, async t => {
    const lines = rule.story.split('\n');
    t.ok(lines.length > 5, 'a page');
    t.same(
      lines.filter(line => line.length > 100 || line !== line.trimEnd()),
      [],
      'lines fit',
    );
    t.notMatch(rule.title, /\.$|!|\n/, rule.title);
  });
}

const told = (findings: readonly Finding[]) => findings.map(({ rule, severity }) => `${severity} ${rule}`).sort();

interface Case {
  readonly name: string;
  /** A directory with fixtures. */
  readonly of: string;
  /** What is written in place of what, in all files or in those of one name; every place has to be found. */
  readonly changes: readonly (readonly [from: string | RegExp, to: string, file?: string])[];
  /** Files of it that are not given. */
  readonly without?: readonly string[];
  /** Files that are given too. */
  readonly beside?: readonly string[];
  /** Severity and rule, and what the message says. */
  readonly expect: readonly (readonly [told: string, says: RegExp])[];
}

const NLB = 'nlb-trusted-open/fine';
const CLB = 'health-check-unreachable/fine';
const TASK = 'ecs-port-missing/fine';
const SERVICE = 'kubernetes-conflict/fine';

/** Of the same balancer, for something else than usher. */
const OTHER_GROUP =
  '{"TargetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/mail/1", "TargetGroupName": "mail", "Protocol": "TCP", "Port": 2525, "TargetType": "ip", "LoadBalancerArns": ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/chat/0a1b2c3d4e5f6071"]}';

const fixture = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** An ALB of which nobody knows where it forwards. */
const ALB_ALONE = { of: 'nlb-application-balancer/fault', without: ['listeners.json', 'target-groups.json'] };
const ANOTHER_NLB = fixture('nlb-trusted-open/fine/load-balancers.json').replaceAll('chat', 'mail');
const CLASSIC_ELSEWHERE = fixture('health-check-unreachable/fine/clb.json');
const SERVICE_ELSEWHERE = fixture('kubernetes-conflict/fine/service.json');

/** A group that nothing is known to forward to. */
const UNATTACHED = {
  of: 'nlb-trusted-open/fault',
  without: ['listeners.json', 'load-balancers.json'],
  attach: [/"LoadBalancerArns": \[[^\]]*\]/, '"LoadBalancerArns": []'],
} as const;
const registered = (port: number) =>
  `{"TargetHealthDescriptions": [{"Target": {"Id": "10.0.1.20", "Port": ${port}}, "TargetHealth": {"State": "healthy"}}]}`;

const PREFIX = 'service.beta.kubernetes.io/aws-load-balancer';
/** Adds annotations about the health check of a Service. */
const checked = (annotations: Readonly<Record<string, string>>): readonly [string, string] => {
  const added = Object.entries(annotations).map(([name, value]) => `"${PREFIX}-healthcheck-${name}": "${value}",`);
  return ['"annotations": {', `"annotations": {${added.join('')}`];
};

const cases: readonly Case[] = [
  { name: 'a good NLB', of: NLB, changes: [], expect: [] },
  {
    name: 'trustedSources that hold all of IPv4 in halves take every client',
    of: 'nlb-trusted-sources/fault',
    changes: [['[10.0.0.0/16]', '[128.0.0.0/1, 10.0.0.0/8, 0.0.0.0/1]']],
    expect: [],
  },
  {
    name: 'trustedSources with a hole do not',
    of: 'nlb-trusted-sources/fault',
    changes: [['[10.0.0.0/16]', '[128.0.0.0/1, 0.0.0.0/2]']],
    expect: [['error nlb-trusted-sources', /trusts only 128\.0\.0\.0\/1, 0\.0\.0\.0\/2$/]],
  },
  {
    name: 'instances preserve the client where nothing is said',
    of: 'nlb-trusted-sources/fault',
    changes: [['preserve_client_ip.enabled', 'preserve_other']],
    expect: [['error nlb-trusted-sources', /chat-blue preserves the client's address/]],
  },
  {
    name: 'clients of an internal balancer may all be in trustedSources',
    of: 'nlb-trusted-sources/fault',
    changes: [['internet-facing', 'internal']],
    expect: [],
  },
  {
    name: 'a node outside of trustedSources',
    of: 'nlb-client-ip-lost/fault',
    changes: [
      ['10.0.2.9', '10.1.2.9'],
      [/("proxy_protocol_v2.enabled",\s*"Value": )"false"/, '$1"true"'],
    ],
    expect: [['error nlb-trusted-sources', /from 10\.1\.2\.9, but/]],
  },
  {
    name: 'a listener that requires the header refuses before anybody loses an address',
    of: 'nlb-client-ip-lost/fault',
    changes: [['proxyProtocol: optional', 'proxyProtocol: required']],
    expect: [],
  },
  {
    name: 'target groups for other ports than those of usher are no business of it',
    of: 'nlb-deregistration-delay/fault',
    changes: [['"Port": 8080', '"Port": 9999']],
    expect: [],
  },
  {
    name: 'ports are those of the group, and not of another one beside it',
    of: 'nlb-trusted-open/fault',
    changes: [['"TargetGroups": [', `"TargetGroups": [${OTHER_GROUP},`, 'target-groups.json']],
    expect: [['note nlb-trusted-open', /target group chat-blue$/]],
  },
  {
    name: 'a group that forwards elsewhere is nobody to warn of',
    of: 'nlb-trusted-open/fine',
    changes: [['"TargetGroups": [', `"TargetGroups": [${OTHER_GROUP},`, 'target-groups.json']],
    expect: [],
  },
  {
    name: 'UDP on a port of somebody else',
    of: 'nlb-udp/fault',
    changes: [
      [/"TCP_UDP"/g, '"UDP"'],
      ['"Port": 8080', '"Port": 53'],
    ],
    expect: [],
  },
  {
    name: 'UDP on the number of a port of usher may be another program',
    of: 'nlb-udp/fault',
    changes: [[/"TCP_UDP"/g, '"UDP"']],
    expect: [['warning nlb-udp', /\(UDP\) on port 8080/]],
  },
  {
    name: 'an ALB as a target, while usher has its connections from elsewhere',
    of: 'nlb-target-type/fault',
    changes: [
      [
        '"TargetGroups": [',
        '"TargetGroups": [{"TargetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/other/1", "TargetGroupName": "other", "Protocol": "HTTP", "Port": 8080, "TargetType": "ip", "LoadBalancerArns": ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/other/1"]},',
        'target-groups.json',
      ],
    ],
    expect: [],
  },
  {
    name: 'an ALB as a target, and only one of two listeners has its connections from elsewhere',
    of: 'nlb-target-type/fault',
    changes: [
      [
        '"TargetGroups": [',
        '"TargetGroups": [{"TargetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/other/1", "TargetGroupName": "other", "Protocol": "HTTP", "Port": 8080, "TargetType": "ip", "LoadBalancerArns": ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/other/1"]},',
        'target-groups.json',
      ],
      ['"Port": 80,', '"Port": 8081,', 'target-groups.json'],
      [
        'admin:',
        '  plain:\n    listen: 8081\n    trustedSources: [10.0.0.0/16]\n    backendPort: 3001\nadmin:',
        'usher.yaml',
      ],
    ],
    expect: [['error nlb-target-type', /of type alb/]],
  },
  {
    name: 'a tunnel that ends sooner than the balancer forgets it',
    of: 'nlb-idle-timeout/fault',
    changes: [['    backendPort: 3000', '    backendPort: 3000\n    timeouts: { tunnel: 30s }']],
    expect: [],
  },
  {
    name: 'a long drain asks for a longer delay',
    of: NLB,
    changes: [['admin:', 'drain: { timeout: 240s, deregisterDelay: 120s, closeOver: 100s }\nadmin:']],
    expect: [['warning nlb-deregistration-delay', /timeout_seconds 300, but usher takes 220 s/]],
  },
  {
    name: 'a check of /livez does not fail in a drain',
    of: 'nlb-unhealthy-termination/fault',
    changes: [['"/readyz"', '"/livez"']],
    expect: [],
  },
  {
    name: 'a check of the traffic port fails when a long drain has closed it',
    of: 'nlb-unhealthy-termination/fault',
    changes: [
      ['"9180"', '"traffic-port"'],
      ['admin:', 'drain: { timeout: 150s }\nadmin:'],
    ],
    expect: [['warning nlb-unhealthy-termination', /listener chat, which is closed during a drain/]],
  },
  {
    name: 'a short drain is over before the balancer has noticed',
    of: 'nlb-unhealthy-termination/fault',
    changes: [['"9180"', '"traffic-port"']],
    expect: [],
  },
  {
    name: 'a TCP check does not mind a PROXY header, but asks the application',
    of: 'health-check-header/fault',
    changes: [['"HealthCheckProtocol": "HTTP"', '"HealthCheckProtocol": "TCP"']],
    expect: [['warning health-check-bypasses-usher', /port 3000 of backend chat/]],
  },
  {
    name: 'a header to a listener that does not look for it',
    of: 'health-check-tls/fine',
    changes: [['    trustedSources', '    proxyProtocol: off\n    trustedSources']],
    expect: [['error health-check-header', /v2 header to port 8080, which does not understand it/]],
  },
  {
    name: 'a header to a port of nobody that is known',
    of: 'health-check-header/fault',
    changes: [['"3000"', '"7000"']],
    expect: [['warning health-check-header', /port 7000, where usher has nothing/]],
  },
  {
    name: 'no header to a port of nobody that is known',
    of: CLB,
    changes: [['HTTP:9180', 'HTTP:7000']],
    expect: [['warning health-check-unreachable', /port 7000, where neither usher nor/]],
  },
  { name: 'a CLB check of the admin port', of: CLB, changes: [], expect: [] },
  {
    name: 'a CLB check that brings the line to usher',
    of: 'health-check-refused/fault',
    changes: [
      [
        '"BackendServerDescriptions": []',
        '"BackendServerDescriptions": [{"InstancePort": 8080, "PolicyNames": ["usher-proxy-protocol"]}]',
      ],
    ],
    expect: [],
  },
  {
    name: 'a policy that nobody described',
    of: 'health-check-refused/fault',
    changes: [
      [
        '"BackendServerDescriptions": []',
        '"BackendServerDescriptions": [{"InstancePort": 8080, "PolicyNames": ["another"]}]',
      ],
    ],
    expect: [],
  },
  {
    name: 'a check without a header where it is optional',
    of: 'health-check-refused/fault',
    changes: [['    trustedSources', '    proxyProtocol: optional\n    trustedSources']],
    expect: [],
  },
  {
    name: 'SSL through a listener of TCP, to a backend that may end TLS',
    of: CLB,
    changes: [
      ['HTTP:9180/readyz', 'SSL:8080'],
      ['    backendPort', '    protocol: tcp\n    backendPort'],
    ],
    expect: [],
  },
  {
    name: 'HTTPS to the admin port',
    of: CLB,
    changes: [['HTTP:9180', 'HTTPS:9180']],
    expect: [['error health-check-tls', /HTTPS to port 9180/]],
  },
  {
    name: 'a check of loopback, by an NLB',
    of: NLB,
    changes: [['0.0.0.0:9180', '127.0.0.1:9180']],
    expect: [['error health-check-unreachable', /port 9180, .* 127\.0\.0\.1 only/]],
  },
  {
    name: 'a check of a Service goes to the admin port',
    of: SERVICE,
    changes: [
      [
        '"annotations": {',
        '"annotations": {"service.beta.kubernetes.io/aws-load-balancer-healthcheck-protocol": "http", "service.beta.kubernetes.io/aws-load-balancer-healthcheck-port": "9180",',
      ],
    ],
    expect: [],
  },
  {
    name: 'a check of a Service goes to the application with a header',
    of: SERVICE,
    changes: [
      [
        '"annotations": {',
        '"annotations": {"service.beta.kubernetes.io/aws-load-balancer-healthcheck-protocol": "http", "service.beta.kubernetes.io/aws-load-balancer-healthcheck-port": "3000",',
      ],
    ],
    expect: [['error health-check-header', /Service chat brings a PROXY v2 header to port 3000/]],
  },
  { name: 'a good task', of: TASK, changes: [], expect: [] },
  {
    name: 'a pusher is no usher',
    of: 'ecs-not-essential/fault',
    changes: [[/usher/g, 'pusher']],
    expect: [],
  },
  {
    name: 'of a bridge, ports inside and outside differ',
    of: 'ecs-port-missing/fault',
    changes: [['"awsvpc"', '"bridge"']],
    expect: [],
  },
  {
    name: 'an application that is not essential',
    of: TASK,
    changes: [[/("name": "chat",[^}]*?"essential": )true/, '$1false']],
    expect: [['warning ecs-not-essential', /container chat of task chat/]],
  },
  {
    name: 'the value false does not turn the PROXY protocol off',
    of: 'kubernetes-proxy-protocol-value/fault',
    changes: [['proxy-protocol": "true"', 'proxy-protocol": "false"']],
    expect: [['error kubernetes-proxy-protocol-value', /proxy-protocol "false"/]],
  },
  {
    name: 'a Service whose pods see the clients as peers',
    of: 'kubernetes-conflict/fault',
    changes: [['proxy_protocol_v2.enabled=false', 'preserve_client_ip.enabled=true']],
    expect: [['error nlb-trusted-sources', /Service web\/chat preserves the client's address/]],
  },
  {
    name: 'the same behind an internal balancer, which is the default',
    of: 'kubernetes-conflict/fault',
    changes: [
      ['proxy_protocol_v2.enabled=false', 'preserve_client_ip.enabled=true'],
      ['aws-load-balancer-scheme', 'other'],
    ],
    expect: [],
  },
  {
    name: 'nodes that keep the addresses of clients by default',
    of: 'kubernetes-traffic-policy/fine',
    changes: [['nlb-target-type": "instance"', 'scheme": "internet-facing"']],
    expect: [['error nlb-trusted-sources', /Service web\/chat preserves the client's address/]],
  },
  {
    name: 'nodes as peers, where no trustedSources could be wrong',
    of: 'kubernetes-traffic-policy/fault',
    changes: [['    trustedSources: [10.0.0.0/16]\n', '']],
    expect: [],
  },
  {
    name: 'an ALB that is the only balancer stands in front of usher, wherever it forwards',
    ...ALB_ALONE,
    changes: [],
    expect: [['warning nlb-application-balancer', /listener chat has proxyProtocol: required/]],
  },
  {
    name: 'without a configuration too',
    ...ALB_ALONE,
    without: [...ALB_ALONE.without, CONFIG],
    changes: [],
    expect: [['warning nlb-application-balancer', /^chat is of type application and can't send a PROXY header$/]],
  },
  {
    name: 'an ALB that is known to forward to another port only',
    of: ALB_ALONE.of,
    changes: [['"Port": 8080', '"Port": 9999']],
    expect: [],
  },
  {
    name: 'an ALB beside an NLB may be of others',
    ...ALB_ALONE,
    beside: [ANOTHER_NLB],
    changes: [],
    expect: [],
  },
  {
    name: 'an ALB beside a Classic Load Balancer may be of others',
    ...ALB_ALONE,
    without: [...ALB_ALONE.without, CONFIG],
    beside: [CLASSIC_ELSEWHERE],
    changes: [],
    expect: [],
  },
  {
    name: 'an ALB beside a Service may be of others',
    ...ALB_ALONE,
    without: [...ALB_ALONE.without, CONFIG],
    beside: [SERVICE_ELSEWHERE],
    changes: [],
    expect: [],
  },
  {
    name: 'TCP and UDP where no configuration tells the ports',
    of: 'nlb-udp/fault',
    without: [CONFIG],
    changes: [],
    expect: [['error nlb-udp', /on port 8080, where usher speaks TCP only/]],
  },
  {
    name: 'TCP and UDP to a port that the files do not tell',
    of: 'nlb-udp/fault',
    changes: [['"Port": 8080,', '', 'target-groups.json']],
    expect: [['error nlb-udp', /target group chat-blue \(TCP_UDP\)/]],
  },
  {
    name: 'TCP and UDP to a port of somebody else',
    of: 'nlb-udp/fault',
    changes: [['"Port": 8080', '"Port": 9999']],
    expect: [],
  },
  {
    name: 'a group to which nothing forwards yet is known by its port',
    ...UNATTACHED,
    changes: [UNATTACHED.attach],
    expect: [['note nlb-trusted-open', /target group chat-blue/]],
  },
  {
    name: 'by the ports of its targets where it has some',
    ...UNATTACHED,
    beside: [registered(8080)],
    changes: [UNATTACHED.attach, ['"Port": 8080', '"Port": 80']],
    expect: [['note nlb-trusted-open', /target group chat-blue/]],
  },
  {
    name: 'and by these alone',
    ...UNATTACHED,
    beside: [registered(9999)],
    changes: [UNATTACHED.attach],
    expect: [],
  },
  {
    name: 'a check of a Service by way of nodes says nothing of who answers',
    of: SERVICE,
    changes: [checked({ protocol: 'http', port: '3000' }), ['nlb-target-type": "ip"', 'nlb-target-type": "instance"']],
    expect: [['note kubernetes-traffic-policy', /Service web\/chat/]],
  },
  {
    name: 'a check of a Service of which only the port is told',
    of: SERVICE,
    changes: [checked({ port: '3000' })],
    expect: [],
  },
  {
    name: 'a check of a Service to a port with a name',
    of: SERVICE,
    changes: [checked({ protocol: 'https', port: 'health' })],
    expect: [],
  },
  {
    name: 'a check of a Service to the port of its connections',
    of: SERVICE,
    changes: [checked({ protocol: 'https', port: 'traffic-port' })],
    expect: [['error health-check-tls', /Service chat speaks HTTPS to port 8080/]],
  },
  {
    name: 'a check of a Service that names no port is one of the port of its connections',
    of: SERVICE,
    changes: [checked({ protocol: 'https' })],
    expect: [['error health-check-tls', /Service chat speaks HTTPS to port 8080/]],
  },
  {
    name: 'of two containers with the word the one that is called so is usher',
    of: 'ecs-not-essential/fault',
    changes: [[/"chat"/g, '"chat-for-usher"']],
    expect: [['warning ecs-not-essential', /^container usher of task/]],
  },
  {
    name: 'of two that are called otherwise none is',
    of: 'ecs-not-essential/fault',
    changes: [
      [/"chat"/g, '"chat-for-usher"'],
      ['"usher"', '"usher-proxy"'],
    ],
    expect: [],
  },
  {
    name: 'a stopTimeout that is just enough',
    of: 'ecs-stop-timeout/fault',
    changes: [['timeout: 60s', 'timeout: 28s']],
    expect: [],
  },
  {
    name: 'a stopTimeout that is a second too short',
    of: 'ecs-stop-timeout/fault',
    changes: [['timeout: 60s', 'timeout: 29s']],
    expect: [['warning ecs-stop-timeout', /killed 30 s after SIGTERM, but usher drains for up to 29 s/]],
  },
  {
    name: 'the longest stopTimeout that Fargate allows',
    of: 'ecs-fargate-stop-timeout/fault',
    changes: [[/"stopTimeout": \d+/, '"stopTimeout": 120']],
    expect: [],
  },
  {
    name: 'a delay that is just enough',
    of: 'nlb-deregistration-delay/fault',
    changes: [['"Value": "30"', '"Value": "135"']],
    expect: [],
  },
  {
    name: 'a delay that is a second too short',
    of: 'nlb-deregistration-delay/fault',
    changes: [['"Value": "30"', '"Value": "134"']],
    expect: [['warning nlb-deregistration-delay', /timeout_seconds 134, but usher takes 15 s/]],
  },
  {
    name: 'a balancer that remembers a second longer than usher is silent',
    of: 'nlb-idle-timeout/fault',
    changes: [['"Value": "60"', '"Value": "61"']],
    expect: [],
  },
  {
    name: 'listeners that are closed just as long as a balancer overlooks',
    of: 'nlb-unhealthy-termination/fault',
    changes: [
      ['"9180"', '"traffic-port"'],
      ['admin:', 'drain: { timeout: 75s, deregisterDelay: 15s }\nadmin:'],
    ],
    expect: [],
  },
];

for (const { name, of, changes, expect, ...given } of cases) {
  t.test(name, async t => {
    const used = new Set<number>();
    const change = (text: string, file: string) =>
      changes.reduce((changed, [from, to, only], index) => {
        const next = only === undefined || only === file ? changed.replace(from, to) : changed;
        if (next !== changed) used.add(index);
        return next;
      }, text);
    const findings = findingsOf(join(ROOT, of), change, given);
    t.equal(used.size, changes.length, 'every change is made');
    t.same(
      told(findings),
      expect.map(([told]) => told),
    );
    for (const [told, says] of expect) {
      const messages = findings.filter(one => `${one.severity} ${one.rule}` === told).map(({ message }) => message);
      t.ok(
        messages.some(message => says.test(message)),
        `${messages.join('; ')} says ${says}`,
      );
    }
  });
}

t.test('the samples for ECS and Kubernetes are without fault', async t => {
  const files = ['ecs-task-definition.json', 'kubernetes.yaml'].map(name => ({
    name,
    bytes: readFileSync(join(DEPLOY, name)),
  }));
  const { estate } = readEstate(files);
  t.equal(estate.tasks.length, 1, 'a task');
  t.equal(estate.services.length, 1, 'a Service');
  const scene = { estate, flows: flowsOf(estate), sidecar: undefined };
  t.same(told(RULES.flatMap(rule => [...rule.check(scene)])), []);
});

t.test('a new target group has its targets before a listener forwards to it', async t => {
  const commands = findingsOf(join(ROOT, 'nlb-udp/fault')).find(({ rule }) => rule === 'nlb-udp')?.commands ?? [];
  const order = ['create-target-group', 'register-targets', 'modify-listener'];
  const text = commands.join('\n');
  const found = order.map(word => text.indexOf(` ${word} `));
  t.notOk(found.includes(-1), text);
  t.match(text, / --targets \S.* && aws elbv2 modify-listener /, 'not without the targets');
  t.strictSame(
    found,
    [...found].sort((one, other) => one - other),
  );
});

t.test('a task definition is written in the shape that can be registered', async t => {
  const found = findingsOf(join(ROOT, 'ecs-stop-timeout/fault')).find(({ rule }) => rule === 'ecs-stop-timeout');
  const [take = '', register = '', use = ''] = found?.commands ?? [];
  t.match(take, /^aws ecs describe-task-definition .* \| jq 'del\(\.taskDefinitionArn, .*\)' > task-definition\.json$/);
  t.match(register, 'file://task-definition.json');
  t.match(use, 'aws ecs update-service');
  t.match(found?.cure, 'edit task-definition.json');
});

t.test('a check of a Classic Load Balancer is replaced as a whole, and that is said', async t => {
  const found = inspectedClassic();
  t.match(found?.commands, [/configure-health-check .*Interval=10/]);
  t.match(found?.cure, /the command sets interval, timeout and thresholds too/);
});

function inspectedClassic(): Finding | undefined {
  const findings = findingsOf(join(ROOT, 'header-not-sent/fine'), text => text.replace('HTTP:9180', 'HTTPS:9180'));
  return findings.find(({ rule }) => rule === 'health-check-tls');
}
