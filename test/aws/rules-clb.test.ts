/** The rules about Classic Load Balancers, headers and ports at their edges: estates built in code. */
import t from 'tap';
import type { ClassicBalancer, ClassicProtocol, Estate, TargetGroup } from '../../src/aws/estate.js';
import type { Finding } from '../../src/aws/finding.js';
import type { Flow } from '../../src/aws/flow.js';
import { flowsOf } from '../../src/aws/flows.js';
import type { DocumentPlace } from '../../src/aws/place.js';
import { RULES } from '../../src/aws/rules/all.js';
import { loadSidecarText } from '../../src/control/config/sidecar.js';

const at: DocumentPlace = { kind: 'document', file: 'clb.json', document: 0, steps: [] };
const given = <T>(value: T) => ({ value, at });
const PROXY = { name: 'pp', type: 'ProxyProtocolPolicyType', attributes: { ProxyProtocol: 'true' }, at };
const DEAD = { ...PROXY, name: 'dead', attributes: { ProxyProtocol: 'false' } };

/** `SSL:443>TCP:8080 HTTP:80>HTTP:8080` */
function listeners(text: string) {
  return text.split(' ').map(word => {
    const [protocol = '', port, instanceProtocol = '', instancePort] = word.split(/[:>]/);
    const sides = { protocol: protocol as ClassicProtocol, instanceProtocol: instanceProtocol as ClassicProtocol };
    return { ...sides, port: Number(port), instancePort: Number(instancePort), at };
  });
}

function classic(text: string, attached: Record<number, string[]> = {}, rest: Partial<ClassicBalancer> = {}) {
  return {
    at,
    name: 'chat',
    scheme: undefined,
    subnets: ['subnet-1'],
    listeners: listeners(text),
    attached: Object.entries(attached).map(([port, names]) => ({ instancePort: Number(port), names, at })),
    otherPolicies: [],
    policies: [PROXY, DEAD],
    healthCheck: undefined,
    idleTimeout: undefined,
    instances: [],
    connectionDraining: undefined,
    ...rest,
  } satisfies ClassicBalancer;
}

function group(name: string, ids: string[], sends: boolean): TargetGroup {
  const healthCheck = { enabled: true, protocol: 'TCP', port: 'traffic-port' as const, path: undefined, at };
  return {
    at,
    arn: name,
    name,
    protocol: 'TCP',
    port: 8080,
    targetType: 'ip',
    balancerArns: [`app/${name}/1`],
    healthCheck,
    attributes: new Map([['proxy_protocol_v2.enabled', given(`${sends}`)]]),
    targets: ids.map(id => ({ id, port: 8080, state: undefined, reason: undefined, at })),
  };
}

const NOTHING: Estate = {
  classics: [],
  networks: [],
  listeners: [],
  targetGroups: [],
  tasks: [],
  services: [],
  gaps: [],
};

interface Case {
  readonly name: string;
  readonly estate: ClassicBalancer | Partial<Estate>;
  /** Keys of a listener on 8080 in front of port 3000, or a whole file. */
  readonly usher?: string;
  readonly flows?: readonly Partial<Flow>[];
  readonly only: string;
  /** `severity: words of the message` of each finding. */
  readonly expect: readonly string[];
  readonly commands?: readonly string[];
}

const SSL = 'SSL:443>TCP:8080';
const TRUST = 'trustedSources: [10.0.0.0/16]';
const on = classic(SSL, { 8080: ['pp'] });
const off = classic(SSL);
const set = (port: number, names: string) =>
  `aws elb set-load-balancer-policies-for-backend-server --load-balancer-name chat --instance-port ${port} --policy-names ${names}`;
const remove = (port: number) =>
  `aws elb delete-load-balancer-listeners --load-balancer-name chat --load-balancer-ports ${port}`;
const create = (fields: string) =>
  `aws elb create-load-balancer-listeners --load-balancer-name chat --listeners ${fields}`;
const keep = (port: number) =>
  `CERTIFICATE=$(aws elb describe-load-balancers --load-balancer-names chat --query 'LoadBalancerDescriptions[0].ListenerDescriptions[?Listener.LoadBalancerPort==\`${port}\`].Listener.SSLCertificateId' --output text)`;
const flow: Flow = {
  kind: 'nlb',
  at,
  balancer: 'net',
  frontPort: 443,
  frontProtocol: 'TLS',
  protocol: 'TCP',
  port: 8080,
  header: 'v2',
  headerAt: at,
  turnOn: ['on'],
  turnOff: ['off'],
  targetGroupArn: 'arn',
};

const cases: readonly Case[] = [
  {
    name: 'mixed, no policy attached: both ports get one, the HTTPS listener keeps its certificate',
    estate: classic('TCP:80>TCP:8080 HTTPS:443>HTTP:8080'),
    only: 'clb-mixed-instance-port',
    expect: ['error: TCP 80 and HTTPS 443 of chat share instance port 8080'],
    commands: [
      keep(443),
      `test -n "$CERTIFICATE" && ${remove(443)}`,
      create(
        '"Protocol=SSL,LoadBalancerPort=443,InstanceProtocol=TCP,InstancePort=8081,SSLCertificateId=$CERTIFICATE"',
      ),
      set(8080, 'pp'),
      set(8081, 'pp'),
    ],
  },
  {
    name: 'mixed, policy of unknown type: the same names go to the new port, which is free on both sides',
    estate: classic('TCP:443>TCP:8080 HTTP:80>HTTP:8080', { 8080: ['x y'], 8081: ['z'] }, { policies: undefined }),
    usher: `listeners: { a: { listen: 8082, backendPort: 8083, ${TRUST} } }`,
    only: 'clb-mixed-instance-port',
    expect: ['error: with a PROXY header if the policies there say so'],
    commands: [
      remove(80),
      create('Protocol=TCP,LoadBalancerPort=80,InstanceProtocol=TCP,InstancePort=8084'),
      set(8084, "'x y'"),
    ],
  },
  {
    name: 'mixed: two have to move, and ports end at 65535',
    estate: classic('TCP:1>TCP:65535 HTTP:2>HTTP:65535 HTTP:3>HTTP:65535', { 65535: ['pp'] }),
    only: 'clb-mixed-instance-port',
    expect: ['error: TCP 1 and HTTP 2 and HTTP 3'],
    commands: [
      remove(2),
      create('Protocol=TCP,LoadBalancerPort=2,InstanceProtocol=TCP,InstancePort=1024'),
      remove(3),
      create('Protocol=TCP,LoadBalancerPort=3,InstanceProtocol=TCP,InstancePort=1025'),
      set(1024, 'pp'),
      set(1025, 'pp'),
    ],
  },
  {
    name: 'mixed is not told as shared',
    estate: classic('TCP:443>TCP:8080 HTTP:80>HTTP:8080'),
    only: 'clb-shared-instance-port',
    expect: [],
  },
  {
    name: 'mixed is not told as an HTTP listener either',
    estate: classic('TCP:443>TCP:8080 HTTP:80>HTTP:8080'),
    only: 'clb-http-listener',
    expect: [],
  },
  {
    name: 'shared: two HTTP listeners, TLS stays where it is',
    estate: classic('HTTP:80>HTTP:8080 HTTPS:443>HTTP:8080'),
    only: 'clb-shared-instance-port',
    expect: ['error: HTTP 80 and HTTPS 443 of chat share instance port 8080'],
    commands: [
      remove(80),
      create('Protocol=TCP,LoadBalancerPort=80,InstanceProtocol=TCP,InstancePort=8081'),
      set(8081, 'pp'),
    ],
  },
  {
    name: 'shared: of two HTTP listeners the one that stays is told once, and the other one elsewhere',
    estate: classic('HTTP:80>HTTP:8080 HTTPS:443>HTTP:8080'),
    only: 'clb-http-listener',
    expect: ['warning: the listener HTTPS 443 of chat reads HTTP itself'],
  },
  {
    name: 'an instance port of one balancer is not that of another',
    estate: { classics: [on, { ...on, name: 'b' }] },
    only: 'clb-shared-instance-port',
    expect: [],
  },
  {
    name: 'secure mix: HTTPS beside HTTP',
    estate: classic('HTTPS:443>HTTPS:8080 HTTP:80>HTTP:8080'),
    only: 'clb-secure-mix',
    expect: ['error: HTTPS for 443 to instance port 8080, and HTTP for 80'],
  },
  {
    name: 'policy without listener: a port that nobody dials, a policy of another type',
    estate: classic(SSL, { 9999: ['keys'] }),
    only: 'clb-policy-without-listener',
    expect: [
      'warning: keys of chat stands on instance port 9999, which no listener leads to: the listeners lead to port 8080',
    ],
  },
  {
    name: 'unattached: samples of AWS are none',
    estate: classic(SSL, {}, { policies: [{ ...PROXY, name: 'ELBSample-ProxyProtocol' }] }),
    only: 'clb-policy-unattached',
    expect: [],
  },
  {
    name: 'unattached: no matter where only HTTP listeners are',
    estate: classic('HTTP:80>HTTP:8080'),
    only: 'clb-policy-unattached',
    expect: [],
  },
  {
    name: 'unattached: what is attached stays',
    estate: classic(SSL, { 8080: ['keys'] }, { policies: [PROXY, { ...PROXY, name: 'keys', type: 'PublicKey' }] }),
    only: 'clb-policy-unattached',
    expect: ['warning: the policy pp of chat is attached to no instance port'],
    commands: [set(8080, 'keys pp')],
  },
  {
    name: 'disabled: replaced by one that is there',
    estate: classic(SSL, { 8080: ['dead'] }),
    only: 'clb-policy-disabled',
    expect: ['warning: the policy dead on instance port 8080 of chat has ProxyProtocol false'],
    commands: [set(8080, 'pp')],
  },
  {
    name: 'disabled: an attribute that was left out says nothing',
    estate: classic(SSL, { 8080: ['dead'] }, { policies: [{ ...DEAD, attributes: {} }] }),
    only: 'clb-policy-disabled',
    expect: [],
  },
  {
    name: 'disabled: no matter beside one that sends',
    estate: classic(SSL, { 8080: ['dead', 'pp'] }),
    only: 'clb-policy-disabled',
    expect: [],
  },
  {
    name: 'unknown: the policies were given and lack the name',
    estate: classic(SSL, { 8080: ['other'] }),
    only: 'clb-policies-unknown',
    expect: ['warning: what other does on instance port 8080 of chat is not known: the output that was given'],
    commands: ['aws elb describe-load-balancer-policies --load-balancer-name chat'],
  },
  {
    name: 'unknown: nothing attached is known',
    estate: classic(SSL, {}, { policies: undefined, otherPolicies: [given('pp')] }),
    only: 'clb-policies-unknown',
    expect: [],
  },
  {
    name: 'idle timeout: the default, where the attributes were given',
    estate: { classics: [{ ...on, connectionDraining: given(300) }] },
    usher: 'timeouts: { keepAlive: 60s }',
    only: 'clb-idle-timeout',
    expect: ["warning: usher's listener chat ends an idle connection after 60 s, and chat only after 60 s"],
    commands: [],
  },
  {
    name: 'idle timeout: no default without attributes',
    estate: on,
    usher: 'timeouts: { keepAlive: 60s }',
    only: 'clb-idle-timeout',
    expect: [],
  },
  {
    name: 'idle timeout: below the pings',
    estate: { classics: [{ ...on, idleTimeout: given(25) }] },
    usher: '',
    only: 'clb-idle-timeout',
    expect: ['warning: chat ends a connection after 25 s without a byte'],
    commands: [
      `aws elb modify-load-balancer-attributes --load-balancer-name chat --load-balancer-attributes '{"ConnectionSettings":{"IdleTimeout":60}}'`,
    ],
  },
  {
    name: 'idle timeout: tcp has neither keep-alive nor pings',
    estate: { classics: [{ ...on, idleTimeout: given(10) }] },
    usher: 'protocol: tcp',
    only: 'clb-idle-timeout',
    expect: [],
  },
  {
    name: 'draining: shorter than the steps',
    estate: { classics: [{ ...on, connectionDraining: given(14) }] },
    usher: '',
    only: 'clb-connection-draining',
    expect: [
      "warning: connection draining of chat lasts 14 s, and usher's drain asks the last conversation to leave after 15 s",
    ],
  },
  {
    name: 'draining: just as long as the steps',
    estate: { classics: [{ ...on, connectionDraining: given(15) }] },
    usher: '',
    only: 'clb-connection-draining',
    expect: [],
  },
  {
    name: 'draining: not behind this balancer',
    estate: { classics: [{ ...classic('SSL:443>TCP:9'), connectionDraining: given(0) }] },
    usher: '',
    only: 'clb-connection-draining',
    expect: [],
  },
  {
    name: 'not sent: two listeners are one finding',
    estate: classic('SSL:443>TCP:8080 TCP:80>TCP:8080'),
    usher: '',
    only: 'header-not-sent',
    expect: ['error: chat (SSL 443 and TCP 80) sends no PROXY header to port 8080'],
  },
  {
    name: 'not sent: optional loses the clients',
    estate: off,
    usher: 'proxyProtocol: optional',
    only: 'header-not-sent',
    expect: ['warning: has proxyProtocol: optional'],
  },
  {
    name: 'not sent: an HTTP listener is made anew',
    estate: classic('HTTP:80>HTTP:8080'),
    usher: '',
    only: 'header-not-sent',
    expect: ['error: chat (HTTP 80) sends no PROXY header'],
    commands: [
      remove(80),
      create('Protocol=TCP,LoadBalancerPort=80,InstanceProtocol=TCP,InstancePort=8080'),
      set(8080, 'pp'),
    ],
  },
  {
    name: 'not sent: an unknown header is not told',
    estate: classic(SSL, { 8080: ['x'] }, { policies: undefined }),
    usher: '',
    only: 'header-not-sent',
    expect: [],
  },
  {
    name: 'not sent: the mixed port has a rule of its own',
    estate: classic('SSL:443>TCP:8080 HTTP:80>HTTP:8080', { 8080: ['pp'] }),
    usher: '',
    only: 'header-not-sent',
    expect: [],
  },
  {
    name: 'not sent: a target group that can send none',
    estate: {},
    flows: [{ header: 'none', turnOn: [] }],
    usher: '',
    only: 'header-not-sent',
    expect: ['error: net (TLS 443) sends no PROXY header'],
    commands: [],
  },
  {
    name: 'not sent: an Application Load Balancer',
    estate: {},
    flows: [{ header: 'none', turnOn: [], protocol: 'HTTP', frontPort: undefined }],
    usher: '',
    only: 'header-not-sent',
    expect: ['error: net sends no PROXY header'],
    commands: [],
  },
  {
    name: 'not expected: tcp may relay it on purpose',
    estate: on,
    usher: 'protocol: tcp, proxyProtocol: off',
    only: 'header-not-expected',
    expect: ['warning: sends a PROXY v1 header to port 8080'],
  },
  {
    name: 'mixed port: a classic and a network balancer',
    estate: { classics: [on], targetGroups: [group('net', ['10.0.0.1'], false)] },
    usher: 'proxyProtocol: optional',
    only: 'header-mixed-port',
    expect: ['warning: chat (SSL 443) sends a PROXY v1 header to port 8080, and net sends none'],
  },
  {
    name: 'mixed port: two that send meet one that does not, once',
    estate: { targetGroups: [group('a', [], true), group('b', [], true), group('c', [], false)] },
    usher: '',
    only: 'header-mixed-port',
    expect: ['warning: a sends a PROXY v2 header to port 8080, and c sends none'],
  },
  {
    name: 'mixed port: two target groups of one balancer',
    estate: { targetGroups: [group('a', [], true), { ...group('b', [], false), balancerArns: ['app/a/1'] }] },
    usher: '',
    only: 'header-mixed-port',
    expect: ['error: a sends a PROXY v2 header to port 8080, and a sends none'],
  },
  {
    name: 'not sent: where it is a mixed port, that alone is told',
    estate: { targetGroups: [group('a', [], true), group('b', [], false)] },
    usher: '',
    only: 'header-not-sent',
    expect: [],
  },
  {
    name: 'not sent: other machines behind the same port',
    estate: { targetGroups: [group('a', ['10.0.0.1'], true), group('b', ['10.0.0.2'], false)] },
    usher: '',
    only: 'header-not-sent',
    expect: ['error: b sends no PROXY header to port 8080'],
  },
  {
    name: 'mixed port: v1 and v2 do not hurt',
    estate: { classics: [on], targetGroups: [group('net', ['10.0.0.1'], true)] },
    usher: '',
    only: 'header-mixed-port',
    expect: [],
  },
  {
    name: 'mixed port: target groups without a common target are two ushers',
    estate: { targetGroups: [group('a', ['10.0.0.1'], true), group('b', ['10.0.0.2'], false)] },
    usher: '',
    only: 'header-mixed-port',
    expect: [],
  },
  {
    name: 'mixed port: target groups with a common target',
    estate: { targetGroups: [group('a', ['10.0.0.1'], true), group('b', ['10.0.0.2', '10.0.0.1'], false)] },
    usher: '',
    only: 'header-mixed-port',
    expect: ['error: a sends a PROXY v2 header to port 8080, and b sends none'],
  },
  ...(
    [
      [
        'with a common instance',
        ['i-1', 'i-2'],
        ['i-2'],
        ['error: chat (SSL 443) sends a PROXY v1 header to port 8080'],
      ],
      ['without one are two ushers', ['i-1'], ['i-2'], []],
      [
        'of which one tells no instances',
        ['i-1'],
        [],
        ['warning: chat (SSL 443) sends a PROXY v1 header to port 8080'],
      ],
    ] as const
  ).map(([name, some, others, expect]) => ({
    name: `mixed port: two classic balancers ${name}`,
    estate: {
      classics: [
        { ...on, instances: some },
        { ...off, name: 'other', instances: others },
      ],
    },
    usher: '',
    only: 'header-mixed-port',
    expect,
  })),
  {
    name: 'mixed port: an instance and an address may be one machine',
    estate: { classics: [{ ...on, instances: ['i-1'] }], targetGroups: [group('net', ['10.0.0.1'], false)] },
    usher: '',
    only: 'header-mixed-port',
    expect: ['warning: chat (SSL 443) sends a PROXY v1 header to port 8080, and net sends none'],
  },
  {
    name: 'mixed port: one side that is unknown says nothing',
    estate: {},
    flows: [{ targetGroupArn: 'a' }, { header: 'unknown' }],
    usher: '',
    only: 'header-mixed-port',
    expect: [],
  },
  ...(
    [
      ['auto, TLS on 443, v1', { kind: 'clb', header: 'v1' }, '', []],
      ['auto, TLS on 8443, v1', { kind: 'clb', header: 'v1', frontPort: 8443 }, '', ['note: clients speak TLS']],
      ['auto, TLS on 443, no header', { header: 'none' }, '', ['note: clients speak TLS to net (TLS 443)']],
      ['auto, TLS on 443, v2', {}, '', ['note: clients speak TLS']],
      ['auto, unknown header', { header: 'unknown' }, '', []],
      ['https, TLS', {}, 'forwardedProto: https', []],
      ['https, TCP 80', { frontProtocol: 'TCP', frontPort: 80 }, 'forwardedProto: https', ['warning: plain HTTP']],
      ['https, TCP 8000', { frontProtocol: 'TCP', frontPort: 8000 }, 'forwardedProto: https', []],
      ['http, TLS', { frontPort: undefined }, 'forwardedProto: http', ['warning: TLS on any port']],
      ['tcp has no requests', {}, 'forwardedProto: http, protocol: tcp', []],
    ] as const
  ).map(([name, one, usher, expect]): Case => {
    return { name: `forwarded-proto: ${name}`, estate: {}, flows: [one], usher, only: 'forwarded-proto', expect };
  }),
  {
    name: 'trusted sources: everybody, in writing',
    estate: on,
    usher: 'trustedSources: [0.0.0.0/0]',
    only: 'clb-trusted-open',
    expect: ['note: chat (SSL 443) sends the PROXY header to port 8080'],
    commands: ["aws ec2 describe-subnets --subnet-ids subnet-1 --query 'Subnets[].CidrBlock' --output text"],
  },
  {
    name: 'trusted sources: a network balancer on the same port may preserve addresses',
    estate: { classics: [on], targetGroups: [group('net', [], true)] },
    usher: 'trustedSources: [0.0.0.0/0]',
    only: 'clb-trusted-open',
    expect: [],
  },
  {
    name: 'not listened: the nearest ports, and one finding for a port',
    estate: classic('SSL:443>TCP:8090 HTTP:80>HTTP:8090'),
    usher: '',
    only: 'port-not-listened',
    expect: ['error: chat (SSL 443 and HTTP 80) sends to port 8090, and usher listens on 8080 (chat)'],
  },
  {
    name: 'not listened: another program on the same machines',
    estate: classic('SSL:443>TCP:8080 TCP:22>TCP:22', { 8080: ['pp'] }),
    usher: '',
    only: 'port-not-listened',
    expect: ['warning: chat (TCP 22) sends to port 22, and usher listens on 8080 (chat)'],
  },
  {
    name: 'not listened: a header comes that only usher would read',
    estate: classic('SSL:443>TCP:8080 TCP:80>TCP:8081', { 8080: ['pp'], 8081: ['pp'] }),
    usher: '',
    only: 'port-not-listened',
    expect: ['error: chat (TCP 80) sends to port 8081'],
  },
  {
    name: "not listened: another service's port, which an import leaves out, with a header that its program may read",
    estate: classic('SSL:443>TCP:8080 SSL:465>TCP:8081', { 8080: ['pp'], 8081: ['pp'] }),
    usher: '',
    only: 'port-not-listened',
    expect: ['warning: chat (SSL 465) sends to port 8081'],
  },
  {
    name: 'not listened: a port to which another service and a web page lead',
    estate: classic('SSL:443>TCP:8080 SSL:465>TCP:8081 SSL:8443>TCP:8081', { 8080: ['pp'], 8081: ['pp'] }),
    usher: '',
    only: 'port-not-listened',
    expect: ['error: chat (SSL 465 and SSL 8443) sends to port 8081'],
  },
  {
    name: 'not listened: none of many, in one finding',
    estate: classic('TCP:1>TCP:1 TCP:2>TCP:2 TCP:3>TCP:3 TCP:4>TCP:4 TCP:5>TCP:5'),
    usher: '',
    only: 'port-not-listened',
    expect: [
      'error: no balancer in these files sends to a port on which usher listens, 8080 (chat): chat (1), chat (2)',
    ],
  },
  {
    name: 'not listened: GENEVE is no TCP',
    estate: {},
    flows: [{ port: 6081, protocol: 'GENEVE' }],
    usher: '',
    only: 'port-not-listened',
    expect: [],
  },
  {
    name: 'not listened: the admin port',
    estate: classic('TCP:80>TCP:9180'),
    usher: '',
    only: 'port-not-listened',
    expect: [],
  },
  {
    name: 'not listened: UDP',
    estate: {},
    flows: [{ port: 1, protocol: 'UDP' }],
    usher: '',
    only: 'port-not-listened',
    expect: [],
  },
  {
    name: 'not listened: a port past usher',
    estate: classic('TCP:80>TCP:3000'),
    usher: '',
    only: 'port-not-listened',
    expect: [],
  },
  { name: 'not forwarded: no flow is known', estate: {}, usher: '', only: 'port-not-forwarded', expect: [] },
  {
    name: 'not forwarded: an unknown port may be the one',
    estate: {},
    flows: [{ port: 1 }, { port: undefined }],
    usher: '',
    only: 'port-not-forwarded',
    expect: [],
  },
  {
    name: 'bypass: a backend of several endpoints, on loopback under another name',
    estate: classic('HTTP:80>HTTP:3001', {}),
    usher: `listeners: { a: { listen: 8080, backend: pool, ${TRUST} } }\nbackends: { pool: { endpoints: [3000, "localhost:3001"] } }`,
    only: 'port-bypasses-usher',
    expect: ["error: chat sends to port 3001, which is an endpoint of usher's backend pool"],
    commands: [remove(80), create('Protocol=HTTP,LoadBalancerPort=80,InstanceProtocol=HTTP,InstancePort=8080')],
  },
  {
    name: 'bypass: an endpoint elsewhere is none',
    estate: classic('HTTP:80>HTTP:3001', {}),
    usher: `listeners: { a: { listen: 8080, backend: pool, ${TRUST} } }\nbackends: { pool: { endpoints: ["10.0.0.1:3001"] } }`,
    only: 'port-bypasses-usher',
    expect: [],
  },
  {
    name: 'bypass: a target group needs other commands than these',
    estate: {},
    flows: [{ port: 3000, header: 'none' }],
    usher: '',
    only: 'port-bypasses-usher',
    expect: ['error: net sends to port 3000'],
    commands: [],
  },
  {
    name: 'loopback: beside a listener that can be reached it is fine',
    estate: on,
    usher: `listeners: { a: { listen: "127.0.0.1:8080", backendPort: 1, ${TRUST} }, b: { listen: "10.0.0.1:8080", backendPort: 2, ${TRUST} } }`,
    only: 'port-listen-loopback',
    expect: [],
  },
  {
    name: 'loopback: told once for a listener',
    estate: { classics: [on, { ...on, name: 'b' }] },
    usher: `listeners: { a: { listen: "[::1]:8080", backendPort: 1, ${TRUST} } }`,
    only: 'port-listen-loopback',
    expect: ["error: usher's listener a is on [::1]:8080"],
  },
  {
    name: 'TLS: a TCP listener on 443 ends none',
    estate: classic('TCP:443>TCP:8080', { 8080: ['pp'] }),
    usher: '',
    only: 'port-gets-tls',
    expect: ['warning: the TCP listener on 443 of chat ends no TLS'],
    commands: [],
  },
  {
    name: 'TLS: protocol tcp relays it',
    estate: classic('TCP:443>TCP:8080 SSL:444>SSL:8080', { 8080: ['pp'] }),
    usher: 'protocol: tcp',
    only: 'port-gets-tls',
    expect: [],
  },
];

function find({ estate: part, usher, flows, only }: Case): readonly Finding[] {
  const estate = { ...NOTHING, ...('listeners' in part && 'name' in part ? { classics: [part] } : part) } as Estate;
  const all = [...flowsOf(estate), ...(flows ?? []).map(one => ({ ...flow, ...one }))];
  const scene = { estate, flows: all, sidecar: usher === undefined ? undefined : sidecarOf(usher) };
  return RULES.filter(({ id }) => id === only).flatMap(rule => [...rule.check(scene)]);
}

function sidecarOf(usher: string) {
  const trust = usher.includes('trustedSources') || usher.includes('off') ? '' : TRUST;
  const keys = ['listen: 8080', 'backendPort: 3000', trust, usher].filter(key => key !== '').join(', ');
  const text = usher.startsWith('listeners:') ? usher : `listeners: { chat: { ${keys} } }`;
  const result = loadSidecarText(text, 'usher.yaml');
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.sidecar;
}

for (const one of cases) {
  t.test(one.name, async t => {
    const found = find(one);
    t.equal(found.length, one.expect.length, found.map(({ message }) => message).join('\n'));
    for (const [index, expected] of one.expect.entries()) {
      const [severity, words = ''] = expected.split(/: (.*)/s);
      t.equal(found[index]?.severity, severity);
      t.ok(found[index]?.message.includes(words), `${found[index]?.message}`);
      t.equal(found[index]?.rule, one.only);
    }
    if (one.commands !== undefined) t.same(found[0]?.commands, one.commands);
  });
}

t.test('no rule has anything to say of an empty scene', async t => {
  for (const rule of RULES) t.same([...rule.check({ estate: NOTHING, flows: [], sidecar: undefined })], [], rule.id);
});
