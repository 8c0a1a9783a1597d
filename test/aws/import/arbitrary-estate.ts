/** Estates of all kinds, with names that mean harm. */
import fc from 'fast-check';
import type { ClassicBalancer, Container, Estate, KubernetesService, TargetGroup } from '../../../src/aws/estate.js';
import { classic, container, estate, given, listener, network, place, service, targetGroup, task } from './estates.js';

const hostile = [
  'chat\nlisteners: { evil: { listen: 1 } }',
  'a\r\n# QUESTION',
  '\u2028admin: off',
  '\u0085drain: x',
  '\u001b[2J',
  '\u202egnp',
  '\ud800',
  '\ufffe',
  '- x: [',
  "it's; rm -rf $HOME `x`",
  '*a &b !c %d @e',
  '123',
  '0x1f',
  'null',
  'true',
  '-',
  '',
  'x'.repeat(300),
  '__proto__',
];

const name = fc.oneof(
  fc.constantFrom(...hostile),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('chat', 'web', 'chat-8080'),
);
/** Few of them, so that they meet, and some that usher uses itself. */
const port = fc.oneof(
  fc.constantFrom(80, 443, 3000, 3001, 8080, 8081, 9180, 9181, 65_535),
  fc.integer({ min: 1, max: 65_535 }),
);
const seconds = fc.oneof(fc.integer({ min: 0, max: 4000 }), fc.constantFrom(0, 1, 2, 3, 60, 120, 122, 300, 3600));
const path = fc.option(fc.constantFrom('/readyz', '/livez', '/', '/a\nb'), { nil: undefined });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const maybeGiven = <T>(value: fc.Arbitrary<T>) => maybe(value.map(one => given(one)));
const few = <T>(value: fc.Arbitrary<T>, most = 4) => fc.array(value, { maxLength: most });
const at = place('in\nput.json');

const classicProtocol = fc.constantFrom('TCP' as const, 'SSL' as const, 'HTTP' as const, 'HTTPS' as const);

const aClassic: fc.Arbitrary<ClassicBalancer> = fc
  .record({
    name,
    subnets: few(name),
    listeners: few(
      fc.record({
        at: fc.constant(at),
        protocol: classicProtocol,
        port,
        instanceProtocol: classicProtocol,
        instancePort: port,
      }),
    ),
    attached: few(
      fc.record({ at: fc.constant(at), instancePort: port, names: few(fc.constantFrom('on', 'off', 'lost')) }),
    ),
    policies: maybe(
      fc.constant([
        { at, name: 'on', type: 'ProxyProtocolPolicyType', attributes: { ProxyProtocol: 'true' } },
        { at, name: 'off', type: 'ProxyProtocolPolicyType', attributes: { ProxyProtocol: 'false' } },
      ]),
    ),
    healthCheck: maybe(fc.record({ at: fc.constant(at), protocol: classicProtocol, port, path })),
    idleTimeout: maybeGiven(seconds),
    connectionDraining: maybeGiven(seconds),
  })
  .map(classic);

const networkProtocol = fc.constantFrom('TCP', 'TLS', 'UDP', 'TCP_UDP', 'QUIC', 'HTTP', 'odd\nprotocol');
const arn = fc.constantFrom('arn:a', 'arn:b', 'arn:c\n evil: true', `arn:${'d'.repeat(3000)}`);
const text = (...values: readonly string[]) => maybe(fc.constantFrom(...values));

const attributes = fc
  .record({
    'proxy_protocol_v2.enabled': text('true', 'false', 'x\ny'),
    'preserve_client_ip.enabled': text('true', 'false'),
    'deregistration_delay.timeout_seconds': maybe(seconds.map(String)),
    'target_health_state.unhealthy.connection_termination.enabled': text('true', 'false'),
  })
  .map(
    all => new Map(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, given(value)]]))),
  );

const aGroup: fc.Arbitrary<TargetGroup> = fc
  .record({
    arn,
    name,
    protocol: networkProtocol,
    port: maybe(port),
    targetType: fc.constantFrom('instance', 'ip', 'lambda', 'alb'),
    balancerArns: few(arn, 2),
    healthCheck: fc.record({
      at: fc.constant(at),
      enabled: fc.boolean(),
      protocol: fc.constantFrom('TCP', 'HTTP', 'HTTPS', 'x\ny'),
      port: fc.oneof(port, fc.constant('traffic-port' as const)),
      path,
    }),
    attributes: maybe(attributes),
    targets: maybe(few(port.map(one => ({ at, id: '10.0.0.1', port: one, state: undefined, reason: undefined })))),
  })
  .map(targetGroup);

const address = fc.constantFrom('10.0.1.5', '10.0.2.6', 'fd00::7', '999.1', '10.0.0.1\nevil: 1');
const aNetwork = fc
  .record({
    arn,
    name,
    type: fc.constantFrom('network', 'application', 'x\ny'),
    subnets: few(name, 2),
    addresses: few(address),
  })
  .map(network);
const aListener = fc
  .record({ arn, balancerArn: arn, port, protocol: networkProtocol, targetGroupArns: few(arn, 2) })
  .map(listener);

const aContainer: fc.Arbitrary<Container> = fc
  .record({
    name: fc.oneof(name, fc.constant('usher')),
    ports: few(fc.record({ at: fc.constant(at), containerPort: port, hostPort: maybe(port) }), 2),
    stopTimeout: maybeGiven(seconds),
    essential: fc.boolean(),
  })
  .map(parts => container(parts.name, undefined, parts));

const PREFIX = 'service.beta.kubernetes.io/aws-load-balancer-';
const annotations = fc
  .record({
    type: text('nlb', 'nlb-ip', 'external'),
    'nlb-target-type': text('ip', 'instance'),
    'proxy-protocol': text('*'),
    'backend-protocol': text('http', 'tcp', 'ssl', 'https'),
    'ssl-cert': text('arn:x'),
    'healthcheck-port': text('9180', '99999', 'traffic-port', '1\n2'),
    'healthcheck-path': text('/readyz', '/\nx'),
    'healthcheck-protocol': text('http', 'tcp'),
    'connection-idle-timeout': text('60', '4000', 'x\ny'),
    'target-group-attributes': text('preserve_client_ip.enabled=true', 'deregistration_delay.timeout_seconds=5'),
  })
  .map(
    all =>
      new Map(
        Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[`${PREFIX}${key}`, given(value)]])),
      ),
  );

const aService: fc.Arbitrary<KubernetesService> = fc
  .record({
    name,
    namespace: maybe(name),
    type: fc.constantFrom('LoadBalancer', 'ClusterIP'),
    annotations,
    ports: few(
      fc.record({
        at: fc.constant(place('service.yaml', 'spec')),
        name: maybe(name),
        port,
        targetPort: maybe(fc.oneof(port, name)),
        nodePort: maybe(port),
        protocol: fc.constantFrom('TCP', 'UDP'),
      }),
    ),
    externalTrafficPolicy: maybeGiven(fc.constantFrom('Local', 'Cluster')),
  })
  .map(service);

/** Anything that a reader may make of files, right or wrong. */
export const anyEstate: fc.Arbitrary<Estate> = fc
  .record({
    classics: few(aClassic, 2),
    networks: few(aNetwork, 2),
    listeners: few(aListener),
    targetGroups: few(aGroup),
    tasks: few(
      few(aContainer, 3).map(all => task(...all)),
      2,
    ),
    services: few(aService, 2),
    gaps: few(fc.record({ kind: fc.constant('unassigned' as const), at: fc.constant(at), message: name }), 2),
  })
  .map(estate);

export const anyPort = port;

/** A Classic Load Balancer that is as it should be: its TCP and SSL listeners lead to ports of their own, all with the header. */
const rightClassic = fc
  .record({
    name: fc.constantFrom('chat', 'edge-1', 'Web'),
    fronts: fc.uniqueArray(fc.record({ port, protocol: fc.constantFrom('TCP' as const, 'SSL' as const) }), {
      selector: front => front.port,
      minLength: 1,
      maxLength: 4,
    }),
    instancePorts: fc.uniqueArray(port, { minLength: 4, maxLength: 4 }),
    seconds: fc.integer({ min: 20, max: 3500 }),
    checkPort: maybe(port),
  })
  .map(({ name, fronts, instancePorts, seconds, checkPort }) => {
    const pairs = fronts.map((front, index) => ({ ...front, instancePort: instancePorts[index] ?? 1 }));
    return classic({
      name,
      listeners: pairs.map(one => ({ at, ...one, instanceProtocol: 'TCP' as const })),
      attached: pairs.map(({ instancePort }) => ({ at, instancePort, names: ['on'] })),
      otherPolicies: [given('on')],
      policies: [{ at, name: 'on', type: 'ProxyProtocolPolicyType', attributes: { ProxyProtocol: 'true' } }],
      healthCheck: { at, protocol: 'HTTP', port: checkPort ?? pairs[0]?.instancePort ?? 1, path: '/readyz' },
      idleTimeout: given(seconds),
      connectionDraining: given(seconds),
    });
  });

/** Where the application of {@link rightGroups} listens. */
const APPLICATION = 3000;
const otherPort = port.filter(one => one !== APPLICATION);

/** Target groups with a port, a listener and all attributes of their own. */
const rightGroups = fc
  .record({
    ports: fc.uniqueArray(otherPort, { minLength: 1, maxLength: 3 }),
    fronts: fc.uniqueArray(port, { minLength: 3, maxLength: 3 }),
    protocol: fc.constantFrom('TCP', 'TLS'),
    targetType: fc.constantFrom('ip', 'instance'),
    preserves: fc.boolean(),
    cuts: fc.boolean(),
    delay: fc.integer({ min: 0, max: 3600 }),
    addresses: fc.constantFrom([], ['10.0.1.5', '10.0.2.6'], ['10.0.1.5']),
    checkPort: fc.oneof(otherPort, fc.constant('traffic-port' as const)),
    stopTimeout: maybeGiven(fc.integer({ min: 2, max: 120 })),
  })
  .map(({ ports, fronts, protocol, targetType, preserves, cuts, delay, addresses, checkPort, stopTimeout }) => {
    const groups = ports.map((one, index) =>
      targetGroup({
        arn: `arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/chat-${index}/6d0ecf831eec9f0${index}`,
        name: `chat-${index}`,
        port: one,
        targetType,
        healthCheck: { at, enabled: true, protocol: 'HTTP', port: checkPort, path: '/readyz' },
        attributes: new Map(
          Object.entries({
            'proxy_protocol_v2.enabled': 'true',
            'preserve_client_ip.enabled': `${preserves}`,
            'deregistration_delay.timeout_seconds': `${delay}`,
            'target_health_state.unhealthy.connection_termination.enabled': `${cuts}`,
          }).map(([key, value]) => [key, given(value)]),
        ),
      }),
    );
    const published = typeof checkPort === 'number' ? [...ports, checkPort] : ports;
    const usher = container('usher', undefined, {
      stopTimeout,
      ports: published.map(containerPort => ({ at, containerPort, hostPort: undefined })),
    });
    return estate({
      networks: [network({ subnets: ['subnet-1', 'subnet-2'], addresses })],
      listeners: groups.map(({ arn: group }, index) =>
        listener({ port: fronts[index] ?? 1, protocol, targetGroupArns: [group] }),
      ),
      targetGroups: groups,
      tasks: targetType === 'ip' ? [task(usher, container('chat', APPLICATION))] : [],
    });
  });

/** What AWS has been told is all right, so that a configuration can fit it. */
export const rightEstate: fc.Arbitrary<Estate> = fc.oneof(
  rightClassic.map(one => estate({ classics: [one] })),
  rightGroups,
);
