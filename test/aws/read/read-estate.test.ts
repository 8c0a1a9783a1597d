/** Every kind of document: complete as it is printed, with the least that it can have, and with one bad element. */
import t from 'tap';
import type { Estate } from '../../../src/aws/estate.js';
import { type InputFile, readEstate } from '../../../src/aws/read/read-estate.js';
import {
  BALANCER_ARN,
  classicAttributes,
  classics,
  definition,
  file,
  LISTENER_ARN,
  listenerAttributes,
  listeners,
  networks,
  policies,
  service,
  targetGroup,
  targetGroupArn,
  targetGroupAttributes,
  targetGroups,
  targetHealth,
  taskDefinition,
} from './outputs.js';
import { plainly } from './plainly.js';

interface Case {
  readonly name: string;
  readonly files: readonly InputFile[];
  readonly part: Exclude<keyof Estate, 'gaps'>;
  readonly expect: readonly unknown[];
  readonly problems?: readonly string[];
}

const usherContainer = {
  name: 'usher',
  image: 'usher:0.1.0',
  essential: true,
  stopTimeout: 120,
  ports: [{ containerPort: 8080, hostPort: 8080 }],
  dependsOn: [{ containerName: 'app', condition: 'HEALTHY' }],
  words: ['node', 'main.js', 'run'],
};
const task = {
  family: 'chat',
  networkMode: 'awsvpc',
  compatibilities: ['FARGATE'],
  containers: [usherContainer, { name: 'app', essential: true, ports: [], dependsOn: [], words: [] }],
};
const chatService = {
  name: 'chat',
  namespace: 'prod',
  type: 'LoadBalancer',
  annotations: { 'service.beta.kubernetes.io/aws-load-balancer-proxy-protocol': '*' },
  ports: [
    { name: 'wss', port: 443, targetPort: 'usher', nodePort: 31234, protocol: 'TCP' },
    { port: 80, targetPort: 8080, protocol: 'TCP' },
  ],
  externalTrafficPolicy: 'Local',
};
const bareClassic = { subnets: [], instances: [], listeners: [], attached: [], otherPolicies: [] };
const blue = {
  arn: targetGroupArn('blue'),
  name: 'blue',
  protocol: 'TCP',
  port: 8080,
  targetType: 'ip',
  balancerArns: [BALANCER_ARN],
  healthCheck: { enabled: true, protocol: 'HTTP', port: 8081, path: '/ready' },
};
const arns = { ListenerArn: LISTENER_ARN, LoadBalancerArn: BALANCER_ARN };
const listener = { arn: LISTENER_ARN, balancerArn: BALANCER_ARN, port: 443, protocol: 'TLS' };

const cases: readonly Case[] = [
  {
    name: 'elb describe-load-balancers, with policies and attributes',
    files: [file('a', classics()), file('b', policies()), file('c', classicAttributes())],
    part: 'classics',
    expect: [
      {
        name: 'chat-classic',
        scheme: 'internet-facing',
        subnets: ['subnet-15aaab61'],
        instances: ['i-0123456789abcdef0'],
        listeners: [{ protocol: 'SSL', port: 443, instanceProtocol: 'TCP', instancePort: 8080 }],
        attached: [{ instancePort: 8080, names: ['proxy-on'] }],
        otherPolicies: ['ELBSecurityPolicy-2016-08', 'proxy-on'],
        policies: [{ name: 'proxy-on', type: 'ProxyProtocolPolicyType', attributes: { ProxyProtocol: 'true' } }],
        healthCheck: { protocol: 'TCP', port: 8080 },
        idleTimeout: 60,
        connectionDraining: 300,
      },
    ],
  },
  {
    name: 'elb describe-load-balancers: a name is enough',
    files: [file('a', { LoadBalancerDescriptions: [{ LoadBalancerName: 'x' }] })],
    part: 'classics',
    expect: [{ ...bareClassic, name: 'x' }],
  },
  {
    name: 'elb describe-load-balancers: without one of its listeners or policies a balancer is none, and the others count',
    files: [
      file('a', {
        LoadBalancerDescriptions: [
          {
            LoadBalancerName: 'policies',
            BackendServerDescriptions: [{ InstancePort: 8080, PolicyNames: ['on'] }, { PolicyNames: ['on'] }],
          },
          {
            LoadBalancerName: 'x',
            ListenerDescriptions: [
              { Listener: { Protocol: 'tcp', LoadBalancerPort: '80', InstanceProtocol: 'TCP', InstancePort: '8080' } },
            ],
            Subnets: ['s', 1],
          },
          {
            LoadBalancerName: 'listeners',
            ListenerDescriptions: [
              { Listener: { Protocol: 'QUIC', LoadBalancerPort: 1, InstanceProtocol: 'TCP', InstancePort: 2 } },
              { Listener: { Protocol: 'tcp', LoadBalancerPort: '80', InstanceProtocol: 'TCP', InstancePort: '8080' } },
              { Listener: { Protocol: 'TCP', LoadBalancerPort: 80, InstanceProtocol: 'TCP' } },
              { Listener: { Protocol: 'TCP', LoadBalancerPort: 80, InstanceProtocol: 'TCP', InstancePort: 65536 } },
            ],
            BackendServerDescriptions: {},
          },
          null,
        ],
      }),
    ],
    part: 'classics',
    expect: [
      {
        ...bareClassic,
        name: 'x',
        subnets: ['s'],
        listeners: [{ protocol: 'TCP', port: 80, instanceProtocol: 'TCP', instancePort: 8080 }],
      },
    ],
    problems: [
      '$.LoadBalancerDescriptions[0].BackendServerDescriptions[1].InstancePort is missing: it should be a port number from 1 to 65535',
      '$.LoadBalancerDescriptions[1].Subnets[1] should be a string, not 1',
      '$.LoadBalancerDescriptions[2].ListenerDescriptions[0].Listener.Protocol should be TCP, SSL, HTTP or HTTPS, not "QUIC"',
      '$.LoadBalancerDescriptions[2].ListenerDescriptions[2].Listener.InstancePort is missing: it should be a port number from 1 to 65535',
      '$.LoadBalancerDescriptions[2].ListenerDescriptions[3].Listener.InstancePort should be a port number from 1 to 65535, not 65536',
      '$.LoadBalancerDescriptions[2].BackendServerDescriptions should be a list, not an object',
      '$.LoadBalancerDescriptions[3] is missing: it should be an object',
    ],
  },
  {
    name: 'elb describe-load-balancer-policies: without one of its attributes a policy is none',
    files: [
      file('a', { LoadBalancerDescriptions: [{ LoadBalancerName: 'x' }] }),
      file('b', {
        PolicyDescriptions: [
          { PolicyName: 'half', PolicyTypeName: 't', PolicyAttributeDescriptions: [{ AttributeValue: 'true' }] },
          { PolicyName: 'on', PolicyTypeName: 't' },
        ],
      }),
    ],
    part: 'classics',
    expect: [{ ...bareClassic, name: 'x', policies: [{ name: 'on', type: 't', attributes: {} }] }],
    problems: [
      '$.PolicyDescriptions[0].PolicyAttributeDescriptions[0].AttributeName is missing: it should be a string',
    ],
  },
  {
    name: 'elb: draining that is off has no seconds; times of nothing else',
    files: [
      file('a', { LoadBalancerDescriptions: [{ LoadBalancerName: 'x' }] }),
      file('b', { LoadBalancerAttributes: { ConnectionDraining: { Enabled: false, Timeout: 300 } } }),
    ],
    part: 'classics',
    expect: [{ ...bareClassic, name: 'x', connectionDraining: 0 }],
  },
  {
    name: 'elbv2 describe-load-balancers',
    files: [file('a', networks)],
    part: 'networks',
    expect: [
      {
        arn: BALANCER_ARN,
        name: 'chat',
        type: 'network',
        scheme: 'internal',
        subnets: ['subnet-8360a9e7', 'subnet-b7d581c0'],
        addresses: ['10.0.1.7', 'fd00::7'],
      },
    ],
  },
  {
    name: 'elbv2 describe-load-balancers: an Application Load Balancer is kept',
    files: [file('a', { LoadBalancers: [{ LoadBalancerArn: 'a', LoadBalancerName: 'b', Type: 'application' }, {}] })],
    part: 'networks',
    expect: [{ arn: 'a', name: 'b', type: 'application', subnets: [], addresses: [] }],
    problems: ['$.LoadBalancers[1].LoadBalancerArn is missing: it should be a string'],
  },
  {
    name: 'elbv2 describe-listeners, with attributes',
    files: [file('a', listeners), file('b', listenerAttributes)],
    part: 'listeners',
    expect: [
      { ...listener, targetGroupArns: [targetGroupArn('blue')], attributes: { 'tcp.idle_timeout.seconds': '350' } },
    ],
  },
  {
    name: 'elbv2 describe-listeners: no port is a problem, but not of a Gateway Load Balancer',
    files: [
      file('a', {
        Listeners: [
          { ...arns, Protocol: 'TLS' },
          { ...arns, Protocol: 'TLS', Port: '443' },
          { ListenerArn: LISTENER_ARN.replace('/net/', '/gwy/'), LoadBalancerArn: BALANCER_ARN },
        ],
      }),
    ],
    part: 'listeners',
    expect: [{ ...listener, targetGroupArns: [] }],
    problems: ['$.Listeners[0].Port is missing: it should be a port number from 1 to 65535'],
  },
  {
    name: 'elbv2 describe-target-groups, with attributes and targets',
    files: [file('a', targetGroups('blue')), file('b', targetGroupAttributes()), file('c', targetHealth())],
    part: 'targetGroups',
    expect: [
      {
        ...blue,
        attributes: {
          'proxy_protocol_v2.enabled': 'true',
          'preserve_client_ip.enabled': 'false',
          'stickiness.enabled': 'false',
          'deregistration_delay.timeout_seconds': '300',
          'load_balancing.cross_zone.enabled': 'use_load_balancer_configuration',
        },
        targets: [{ id: '10.0.1.20', port: 8080, state: 'unhealthy', reason: 'Target.FailedHealthChecks' }],
      },
    ],
  },
  {
    name: 'elbv2 describe-target-groups: functions have no port, no protocol and targets without port',
    files: [
      file('a', {
        TargetGroups: [
          {
            ...{ TargetGroupArn: 'f', TargetGroupName: 'f', TargetType: 'lambda', HealthCheckEnabled: false },
            ...{ HealthCheckPath: '/', LoadBalancerArns: [] },
          },
        ],
      }),
      file('f', { TargetHealthDescriptions: [{ Target: { Id: 'arn:aws:lambda:us-west-2:1:function:f' } }] }),
    ],
    part: 'targetGroups',
    expect: [
      {
        ...{ arn: 'f', name: 'f', protocol: '', targetType: 'lambda', balancerArns: [], targets: [] },
        healthCheck: { enabled: false, protocol: '', port: 'traffic-port', path: '/' },
      },
    ],
  },
  {
    name: 'elbv2 describe-target-groups: bad fields',
    files: [
      file('a', {
        TargetGroups: [
          targetGroup('blue'),
          targetGroup('a', { Protocol: null }),
          targetGroup('b', { HealthCheckPort: 'x' }),
          targetGroup('c', { Port: 1.5 }),
        ],
      }),
    ],
    part: 'targetGroups',
    expect: [blue],
    problems: [
      '$.TargetGroups[1].Protocol is missing: it should be a string',
      '$.TargetGroups[2].HealthCheckPort should be a port number or traffic-port, not "x"',
      '$.TargetGroups[3].Port should be a port number from 1 to 65535, not 1.5',
    ],
  },
  { name: 'ecs describe-task-definition', files: [file('a', taskDefinition)], part: 'tasks', expect: [task] },
  { name: 'a definition as it was registered', files: [file('a', definition)], part: 'tasks', expect: [task] },
  {
    name: 'ecs describe-task-definition: without a family',
    files: [file('a', { taskDefinition: { containerDefinitions: [] } })],
    part: 'tasks',
    expect: [],
    problems: ['$.taskDefinition.family is missing: it should be a string'],
  },
  { name: 'a Service', files: [file('a', service)], part: 'services', expect: [chatService] },
  {
    name: 'a List with other objects',
    files: [file('a', { apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'v1', kind: 'Pod' }, service, 1] })],
    part: 'services',
    expect: [chatService],
  },
  {
    name: 'a ServiceList, whose items do not say what they are',
    files: [file('a', { kind: 'ServiceList', items: [{ metadata: { name: 'x' }, spec: { type: 'ExternalName' } }] })],
    part: 'services',
    expect: [{ name: 'x', type: 'ExternalName', annotations: {}, ports: [] }],
  },
  {
    name: 'a Service: bad fields',
    files: [
      file('a', {
        ...service,
        metadata: { name: 'x', annotations: { a: true, b: {}, ['__proto__']: 'c' } },
        spec: { ports: [{ port: 'http' }, { port: 80 }] },
      }),
      file('b', { ...service, metadata: { name: 'y', annotations: [] }, spec: {} }),
      file('c', { ...service, spec: undefined }),
    ],
    part: 'services',
    expect: [
      { name: 'x', annotations: { a: 'true', ['__proto__']: 'c' }, ports: [{ port: 80, protocol: 'TCP' }] },
      { name: 'y', annotations: {}, ports: [] },
    ],
    problems: [
      'the annotation "b" should be a string, not an object',
      '$.spec.ports[0].port should be a port number from 1 to 65535, not "http"',
      '$.metadata.annotations should be an object, not a list',
      '$.spec is missing: it should be an object',
    ],
  },
  {
    name: 'documents one after another, and lists of documents',
    files: [
      file(
        'a',
        `${JSON.stringify(networks)}${JSON.stringify(listeners)}\n[${JSON.stringify(service)}, {"Listeners":[]}]`,
      ),
    ],
    part: 'services',
    expect: [chatService],
  },
  {
    name: 'YAML: manifests',
    files: [
      file(
        'a',
        'kind: Deployment\napiVersion: apps/v1\n---\n# nothing\n---\napiVersion: v1\nkind: Service\n' +
          'metadata: {name: x}\nspec:\n  ports:\n  - &p {port: 80, targetPort: 0x50}\n  - *p\n',
      ),
    ],
    part: 'services',
    expect: [
      {
        ...{ name: 'x', annotations: {} },
        ports: [
          { port: 80, targetPort: 80, protocol: 'TCP' },
          { port: 80, targetPort: 80, protocol: 'TCP' },
        ],
      },
    ],
  },
  {
    name: 'YAML: aws --output yaml',
    files: [file('a', "LoadBalancers:\n- LoadBalancerArn: 'a'\n  LoadBalancerName: b\n  Type: network\n")],
    part: 'networks',
    expect: [{ arn: 'a', name: 'b', type: 'network', subnets: [], addresses: [] }],
  },
];

for (const { name, files, part, expect, problems = [] } of cases) {
  t.test(name, async t => {
    const reading = readEstate(files);
    t.strictSame(plainly(reading.estate[part]), expect);
    t.strictSame(
      reading.problems.map(({ message }) => message),
      problems,
    );
    t.strictSame(reading.estate.gaps, []);
  });
}

t.test('health checks of Classic Load Balancers', async t => {
  const checkOf = (target: string) => {
    const description = { LoadBalancerName: 'x', HealthCheck: { Target: target } };
    const { estate, problems } = readEstate([file('a', { LoadBalancerDescriptions: [description] })]);
    return [plainly(estate.classics[0]?.healthCheck), problems[0]?.message];
  };
  t.strictSame(checkOf('TCP:1')[0], { protocol: 'TCP', port: 1 });
  t.strictSame(checkOf('http:8080/path?a=b:c')[0], { protocol: 'HTTP', port: 8080, path: '/path?a=b:c' });
  t.strictSame(checkOf('HTTPS:443/')[0], { protocol: 'HTTPS', port: 443, path: '/' });
  for (const target of ['', 'TCP', 'TCP:', 'TCP:65536', 'UDP:1', 'HTTP:1path', `TCP:${'1'.repeat(100)}`]) {
    const [check, message] = checkOf(target);
    t.equal(check, undefined);
    t.match(
      message,
      /^\$\.LoadBalancerDescriptions\[0\]\.HealthCheck\.Target should be like TCP:8080 or HTTP:8080\/path/,
    );
  }
});

t.test('pages that are missing', async t => {
  const gapsOf = (document: unknown) => readEstate([file('a', document)]).estate.gaps;
  t.match(gapsOf({ ...networks, NextToken: 'x' }), [{ kind: 'more-pages', message: /without --max-items$/ }]);
  t.match(gapsOf({ ...networks, NextMarker: 'x' }), [
    { kind: 'more-pages', message: /without --no-paginate$/, at: { file: 'a', document: 0, steps: ['NextMarker'] } },
  ]);
  t.strictSame(gapsOf({ ...networks, NextMarker: '', NextToken: null }), []);
  const list = { apiVersion: 'v1', kind: 'List', items: [], metadata: { continue: 'x' } };
  t.match(gapsOf(list), [{ kind: 'more-pages', message: /kubectl/ }]);
  t.strictSame(gapsOf({ ...list, kind: 'PodList' }), [], 'of other objects nothing is missed');
});

t.test('the same thing twice', async t => {
  const twice = (one: unknown, other: unknown) => readEstate([file('a', one), file('b', other)]).estate;
  t.strictSame(twice(classics(), classics()).gaps, [], 'nothing is said when both say the same');
  const changed = { LoadBalancerDescriptions: [{ LoadBalancerName: 'chat-classic', Scheme: 'internal' }] };
  const estate = twice(classics(), changed);
  t.strictSame(
    estate.classics.map(({ scheme, at }) => [scheme, at.file]),
    [['internal', 'b']],
    'the later counts',
  );
  t.match(estate.gaps, [
    {
      kind: 'duplicate',
      at: { file: 'a' },
      message:
        'there are two descriptions of the load balancer "chat-classic": that in b counts, and this one was left out',
    },
  ]);
  const groups = twice({ TargetGroups: [targetGroup('blue')] }, { TargetGroups: [targetGroup('blue', { Port: 1 })] });
  t.match(groups.gaps, [{ message: /of the target group "targetgroup\/blue\/73e2d6bc24d8a067"/ }]);
  t.equal(twice(taskDefinition, definition).tasks.length, 2, 'a revision is not the same as a definition without one');
  const moved = { ...service, metadata: { ...service.metadata, namespace: 'test' } };
  t.strictSame(twice(service, moved).gaps, [], 'another namespace is another Service');
  const noted = { ...service, metadata: { ...service.metadata, annotations: {} } };
  t.match(twice(service, noted).gaps, [{ message: /^there are two descriptions of the Service "prod\/chat"/ }]);
});

t.test('a file that is named twice is read once', async t => {
  const { estate, problems } = readEstate([file('a', networks), file('a', '{')]);
  t.equal(estate.networks.length, 1);
  t.strictSame(problems, []);
});
