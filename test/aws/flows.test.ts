import t from 'tap';
import type {
  ClassicBalancer,
  Estate,
  Given,
  KubernetesService,
  NetworkListener,
  TargetGroup,
  TaskDefinition,
} from '../../src/aws/estate.js';
import { flowsOf } from '../../src/aws/flows.js';
import { below, type DocumentPlace } from '../../src/aws/place.js';

const at: DocumentPlace = { kind: 'document', file: 'f.json', document: 0, steps: [] };
const EMPTY: Estate = {
  classics: [],
  networks: [],
  listeners: [],
  targetGroups: [],
  tasks: [],
  services: [],
  gaps: [],
};
const given = (value: string): Given<string> => ({ value, at });

const classic = (some: Partial<ClassicBalancer>): ClassicBalancer => ({
  at,
  name: 'chat',
  scheme: undefined,
  subnets: [],
  listeners: [{ at, protocol: 'SSL', port: 443, instanceProtocol: 'TCP', instancePort: 8080 }],
  attached: [],
  otherPolicies: [],
  policies: undefined,
  healthCheck: undefined,
  idleTimeout: undefined,
  instances: [],
  connectionDraining: undefined,
  ...some,
});
const policy = (name: string, type = 'ProxyProtocolPolicyType', value = 'true') => ({
  at,
  name,
  type,
  attributes: { ProxyProtocol: value },
});
const attached = (...names: string[]) => [{ at: below(at, 'BackendServerDescriptions', 0), instancePort: 8080, names }];

t.test('a Classic Load Balancer sends v1 where a policy that says so is attached to the instance port', async t => {
  const cases = [
    { header: 'none', some: {} },
    { header: 'none', some: { policies: [policy('p')] } },
    { header: 'v1', some: { policies: [policy('p')], attached: attached('p') } },
    { header: 'none', some: { policies: [policy('p', undefined, 'false')], attached: attached('p') } },
    { header: 'none', some: { policies: [policy('p', 'PublicKeyPolicyType')], attached: attached('p') } },
    { header: 'unknown', some: { attached: attached('p') } },
    { header: 'unknown', some: { policies: [policy('other')], attached: attached('p') } },
    { header: 'v1', some: { policies: [policy('p')], attached: attached('q', 'p') } },
    {
      header: 'none',
      some: {
        listeners: [{ at, protocol: 'HTTP', port: 80, instanceProtocol: 'HTTP', instancePort: 8080 }],
        policies: [policy('p')],
        attached: attached('p'),
      },
    },
  ] as const;
  for (const { header, some } of cases) {
    const [flow] = flowsOf({ ...EMPTY, classics: [classic(some as Partial<ClassicBalancer>)] });
    t.match(flow, { kind: 'clb', balancer: 'chat', frontPort: expectedFront(some), port: 8080, header });
  }
});

function expectedFront(some: object): number {
  return 'listeners' in some ? 80 : 443;
}

t.test('the commands keep the other policies of the port, because a set is replaced whole', async t => {
  const policies = [policy('key', 'PublicKeyPolicyType'), policy('p')];
  const [on] = flowsOf({ ...EMPTY, classics: [classic({ policies, attached: attached('key') })] });
  t.same(on?.turnOn, [
    'aws elb set-load-balancer-policies-for-backend-server --load-balancer-name chat --instance-port 8080 --policy-names key p',
  ]);
  const [off] = flowsOf({ ...EMPTY, classics: [classic({ policies, attached: attached('key', 'p') })] });
  t.same(off?.turnOff, [
    'aws elb set-load-balancer-policies-for-backend-server --load-balancer-name chat --instance-port 8080 --policy-names key',
  ]);
  const [bare] = flowsOf({ ...EMPTY, classics: [classic({ policies: [] })] });
  t.equal(bare?.turnOn.length, 2, 'the policy is made first');
  t.ok(bare?.turnOff[0]?.endsWith("--policy-names '[]'"));
});

const group = (some: Partial<TargetGroup>): TargetGroup => ({
  at,
  arn: 'tg',
  name: 'tg',
  protocol: 'TCP',
  port: 8080,
  targetType: 'ip',
  balancerArns: ['lb'],
  healthCheck: { at, enabled: true, protocol: 'TCP', port: 'traffic-port', path: undefined },
  attributes: new Map([['proxy_protocol_v2.enabled', given('true')]]),
  targets: undefined,
  ...some,
});
const listener = (some: Partial<NetworkListener> = {}): NetworkListener => ({
  at,
  arn: 'ln',
  balancerArn: 'arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/net/chat/0123',
  port: 443,
  protocol: 'TLS',
  targetGroupArns: ['tg'],
  attributes: undefined,
  ...some,
});
const network = (some: Partial<TargetGroup>, tasks: readonly TaskDefinition[] = []) =>
  flowsOf({ ...EMPTY, listeners: [listener()], targetGroups: [group(some)], tasks });

t.test('a Network Load Balancer sends v2 where the attribute of the target group says so', async t => {
  t.match(network({}), [
    { kind: 'nlb', balancer: 'chat', frontPort: 443, frontProtocol: 'TLS', port: 8080, header: 'v2' },
  ]);
  t.match(network({ attributes: undefined }), [{ header: 'unknown' }]);
  t.match(network({ attributes: new Map() }), [{ header: 'none' }]);
  t.match(network({ targetType: 'alb' }), [{ header: 'none', port: undefined, turnOn: [] }]);
  t.match(flowsOf({ ...EMPTY, listeners: [listener()] }), [{ header: 'unknown', port: undefined, frontPort: 443 }]);
  t.match(
    flowsOf({ ...EMPTY, targetGroups: [group({})] }),
    [{ frontPort: undefined, port: 8080 }],
    'listeners not given',
  );
  t.same(flowsOf({ ...EMPTY, targetGroups: [group({ balancerArns: [] })] }), [], 'attached to nothing');
});

t.test('ports of targets come before that of their group, and ports of a bridge are led inside', async t => {
  const target = (port: number) => ({ at, id: '10.0.0.1', port, state: undefined, reason: undefined });
  t.match(network({ targets: [target(9000), target(9000), target(9001)] }), [{ port: 9000 }, { port: 9001 }]);
  const task = (hostPort: number | undefined): TaskDefinition => ({
    at,
    family: 'chat',
    networkMode: 'bridge',
    compatibilities: ['EC2'],
    containers: [
      {
        at,
        name: 'usher',
        image: undefined,
        essential: true,
        stopTimeout: undefined,
        ports: [{ at, containerPort: 8080, hostPort }],
        dependsOn: [],
        words: [],
      },
    ],
  });
  t.match(network({ targetType: 'instance', port: 80 }, [task(80)]), [{ port: 8080 }]);
  t.match(network({ targetType: 'instance', targets: [target(32_768)] }, [task(0)]), [{ port: 8080 }]);
  t.match(network({ targetType: 'ip', port: 80 }, [task(80)]), [{ port: 80 }], 'targets are containers themselves');
});

const service = (annotations: Readonly<Record<string, string>>, some: Partial<KubernetesService> = {}): Estate => ({
  ...EMPTY,
  services: [
    {
      at,
      name: 'chat',
      namespace: 'prod',
      type: 'LoadBalancer',
      loadBalancerClass: undefined,
      annotations: new Map(
        Object.entries(annotations).map(([key, value]) => [
          `service.beta.kubernetes.io/aws-load-balancer-${key}`,
          given(value),
        ]),
      ),
      ports: [{ at, name: 'https', port: 443, targetPort: 8080, nodePort: 30_443, protocol: 'TCP' }],
      externalTrafficPolicy: undefined,
      ...some,
    },
  ],
});

t.test('a Service is told by its annotations', async t => {
  const cases = [
    { annotations: {}, header: 'none', front: 'TCP' },
    { annotations: { 'proxy-protocol': '*' }, header: 'v1', front: 'TCP' },
    { annotations: { 'proxy-protocol': 'true' }, header: 'none', front: 'TCP' },
    { annotations: { 'proxy-protocol': '*', type: 'nlb' }, header: 'unknown', front: 'TCP' },
    { annotations: { 'proxy-protocol': '*', type: 'external', 'ssl-cert': 'arn' }, header: 'v2', front: 'TLS' },
    {
      annotations: { type: 'nlb-ip', 'target-group-attributes': 'a=b, proxy_protocol_v2.enabled=true' },
      header: 'v2',
      front: 'TCP',
    },
    { annotations: { type: 'external', 'proxy-protocol-per-target-group': '80,443' }, header: 'v2', front: 'TCP' },
    { annotations: { type: 'external', 'proxy-protocol-per-target-group': '80' }, header: 'none', front: 'TCP' },
    { annotations: { type: 'external', 'proxy-protocol-per-target-group': '443' }, header: 'v2', front: 'TCP' },
    { annotations: { type: 'external', 'proxy-protocol-per-target-group': '80, https' }, header: 'v2', front: 'TCP' },
    { annotations: { 'ssl-cert': 'arn', 'ssl-ports': 'https', 'proxy-protocol': '*' }, header: 'v1', front: 'SSL' },
    { annotations: { 'ssl-cert': 'arn', 'ssl-ports': '8443' }, header: 'none', front: 'TCP' },
    {
      annotations: { 'ssl-cert': 'arn', 'backend-protocol': 'http', 'proxy-protocol': '*' },
      header: 'none',
      front: 'HTTPS',
    },
  ];
  for (const { annotations, header, front } of cases) {
    t.match(flowsOf(service(annotations)), [{ kind: 'service', port: 8080, header, frontProtocol: front }]);
  }
  t.match(flowsOf(service({ 'proxy-protocol': '*' }, { loadBalancerClass: 'service.k8s.aws/nlb' })), [
    { header: 'v2' },
  ]);
  t.match(flowsOf(service({ type: 'nlb' }))[0]?.turnOn, [/^aws elbv2 modify-target-group-attributes /]);
  t.match(flowsOf(service({ type: 'nlb' }))[0]?.turnOff, [/Value=false$/]);
  t.same(flowsOf(service({}, { type: 'ClusterIP' })), []);
  t.same(flowsOf(service({}))[0]?.turnOn, [
    "kubectl annotate service chat --namespace prod --overwrite service.beta.kubernetes.io/aws-load-balancer-proxy-protocol='*'",
  ]);
});

t.test('the header of a Service is turned off at each annotation that turns it on', async t => {
  const start = 'kubectl annotate service chat --namespace prod';
  const prefix = 'service.beta.kubernetes.io/aws-load-balancer-';
  const off = (annotations: Readonly<Record<string, string>>) => flowsOf(service(annotations))[0]?.turnOff;
  t.same(off({ 'proxy-protocol': '*' }), [`${start} ${prefix}proxy-protocol-`]);
  t.same(off({ type: 'external', 'proxy-protocol-per-target-group': '443' }), [
    `${start} ${prefix}proxy-protocol-per-target-group-`,
  ]);
  t.same(off({ type: 'external', 'target-group-attributes': 'a=b,proxy_protocol_v2.enabled=true' }), [
    `${start} --overwrite ${prefix}target-group-attributes=a=b,proxy_protocol_v2.enabled=false`,
  ]);
});
