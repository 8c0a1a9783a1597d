/** Estates as `readEstate` makes them, for tests that don't read files. */
import type {
  ClassicBalancer,
  Container,
  Estate,
  Given,
  KubernetesService,
  NetworkBalancer,
  NetworkListener,
  TargetGroup,
  TaskDefinition,
} from '../../../src/aws/estate.js';
import type { DocumentPlace } from '../../../src/aws/place.js';

export function place(file: string, ...steps: readonly (string | number)[]): DocumentPlace {
  return { kind: 'document', file, document: 0, steps };
}

export function given<T>(value: T, file = 'x.json'): Given<T> {
  return { value, at: place(file) };
}

export function attributes(values: Readonly<Record<string, string>>, file = 'attributes.json') {
  return new Map(Object.entries(values).map(([key, value]) => [key, given(value, file)]));
}

export function estate(parts: Partial<Estate>): Estate {
  const none = { classics: [], networks: [], listeners: [], targetGroups: [], tasks: [], services: [], gaps: [] };
  return { ...none, ...parts };
}

export function classic(parts: Partial<ClassicBalancer>): ClassicBalancer {
  return {
    at: place('clb.json', 'LoadBalancerDescriptions', 0),
    name: 'chat',
    scheme: 'internet-facing',
    subnets: [],
    listeners: [],
    attached: [],
    otherPolicies: [],
    policies: undefined,
    healthCheck: undefined,
    idleTimeout: undefined,
    instances: [],
    connectionDraining: undefined,
    ...parts,
  };
}

const ACCOUNT = 'arn:aws:elasticloadbalancing:eu-central-1:123456789012';

export const BALANCER_ARN = `${ACCOUNT}:loadbalancer/net/chat/50dc6c495c0c9188`;
export const GROUP_ARN = `${ACCOUNT}:targetgroup/chat-blue/6d0ecf831eec9f09`;

export function network(parts: Partial<NetworkBalancer>): NetworkBalancer {
  return {
    at: place('nlb.json', 'LoadBalancers', 0),
    arn: BALANCER_ARN,
    name: 'chat',
    type: 'network',
    scheme: 'internet-facing',
    subnets: [],
    addresses: [],
    ...parts,
  };
}

export function listener(parts: Partial<NetworkListener>): NetworkListener {
  return {
    at: place('listeners.json', 'Listeners', 0),
    arn: `${ACCOUNT}:listener/net/chat/50dc6c495c0c9188/f2f7dc8efc522ab2`,
    balancerArn: BALANCER_ARN,
    port: 443,
    protocol: 'TLS',
    targetGroupArns: [GROUP_ARN],
    attributes: undefined,
    ...parts,
  };
}

export function targetGroup(parts: Partial<TargetGroup>): TargetGroup {
  return {
    at: place('target-groups.json', 'TargetGroups', 0),
    arn: GROUP_ARN,
    name: 'chat-blue',
    protocol: 'TCP',
    port: 8080,
    targetType: 'ip',
    balancerArns: [BALANCER_ARN],
    healthCheck: {
      at: place('target-groups.json'),
      enabled: true,
      protocol: 'TCP',
      port: 'traffic-port',
      path: undefined,
    },
    attributes: undefined,
    targets: undefined,
    ...parts,
  };
}

export function container(name: string, port?: number, parts: Partial<Container> = {}): Container {
  const at = place('task.json', 'taskDefinition', 'containerDefinitions');
  return {
    at,
    name,
    image: `registry/${name}:1`,
    essential: true,
    stopTimeout: undefined,
    ports: port === undefined ? [] : [{ at, containerPort: port, hostPort: undefined }],
    dependsOn: [],
    words: [],
    ...parts,
  };
}

export function task(...containers: readonly Container[]): TaskDefinition {
  const at = place('task.json', 'taskDefinition');
  return { at, family: 'chat', networkMode: 'awsvpc', compatibilities: ['FARGATE'], containers };
}

export function service(parts: Partial<KubernetesService>): KubernetesService {
  return {
    at: place('service.yaml'),
    name: 'chat',
    namespace: 'prod',
    type: 'LoadBalancer',
    loadBalancerClass: undefined,
    annotations: new Map(),
    ports: [],
    externalTrafficPolicy: undefined,
    ...parts,
  };
}
