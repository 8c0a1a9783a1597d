/** Outputs as the AWS command line and kubectl print them, with fields that nobody reads. */
import type { InputFile } from '../../../src/aws/read/input.js';

/** A value as indented JSON, a string as it is. */
export function file(name: string, content: unknown): InputFile {
  const text = typeof content === 'string' ? content : JSON.stringify(content, undefined, 4);
  return { name, bytes: new TextEncoder().encode(text) };
}

const ARN = 'arn:aws:elasticloadbalancing:us-west-2:123456789012';
export const BALANCER_ARN = `${ARN}:loadbalancer/net/chat/50dc6c495c0c9188`;
export const LISTENER_ARN = `${ARN}:listener/net/chat/50dc6c495c0c9188/0467ef3c8400ae65`;

/** `targetGroupArn('blue')` */
export function targetGroupArn(name: string): string {
  return `${ARN}:targetgroup/${name}/73e2d6bc24d8a067`;
}

export const classics = (name = 'chat-classic') => ({
  LoadBalancerDescriptions: [
    {
      LoadBalancerName: name,
      DNSName: `${name}-1234567890.us-west-2.elb.amazonaws.com`,
      CanonicalHostedZoneNameID: 'Z1H1FL5HABSF5',
      ListenerDescriptions: [
        {
          Listener: {
            Protocol: 'SSL',
            LoadBalancerPort: 443,
            InstanceProtocol: 'TCP',
            InstancePort: 8080,
            SSLCertificateId: 'arn:aws:acm:us-west-2:123456789012:certificate/1234',
          },
          PolicyNames: ['ELBSecurityPolicy-2016-08'],
        },
      ],
      Policies: {
        AppCookieStickinessPolicies: [],
        LBCookieStickinessPolicies: [],
        OtherPolicies: ['ELBSecurityPolicy-2016-08', 'proxy-on'],
      },
      BackendServerDescriptions: [{ InstancePort: 8080, PolicyNames: ['proxy-on'] }],
      AvailabilityZones: ['us-west-2a'],
      Subnets: ['subnet-15aaab61'],
      VPCId: 'vpc-a01106c2',
      Instances: [{ InstanceId: 'i-0123456789abcdef0' }],
      HealthCheck: { Target: 'TCP:8080', Interval: 30, Timeout: 5, UnhealthyThreshold: 2, HealthyThreshold: 10 },
      SourceSecurityGroup: { OwnerAlias: '123456789012', GroupName: 'default' },
      SecurityGroups: ['sg-a61988c3'],
      CreatedTime: '2026-03-19T03:24:02.650000+00:00',
      Scheme: 'internet-facing',
    },
  ],
});

export const policies = (name = 'proxy-on') => ({
  PolicyDescriptions: [
    {
      PolicyName: name,
      PolicyTypeName: 'ProxyProtocolPolicyType',
      PolicyAttributeDescriptions: [{ AttributeName: 'ProxyProtocol', AttributeValue: 'true' }],
    },
  ],
});

export const classicAttributes = (idleTimeout = 60) => ({
  LoadBalancerAttributes: {
    CrossZoneLoadBalancing: { Enabled: true },
    AccessLog: { Enabled: false },
    ConnectionDraining: { Enabled: true, Timeout: 300 },
    ConnectionSettings: { IdleTimeout: idleTimeout },
    AdditionalAttributes: [{ Key: 'elb.http.desyncmitigationmode', Value: 'defensive' }],
  },
});

export const networks = {
  LoadBalancers: [
    {
      LoadBalancerArn: BALANCER_ARN,
      DNSName: 'chat-50dc6c495c0c9188.elb.us-west-2.amazonaws.com',
      CanonicalHostedZoneId: 'Z18D5FSROUN65G',
      CreatedTime: '2026-02-02T14:45:12.430000+00:00',
      LoadBalancerName: 'chat',
      Scheme: 'internal',
      VpcId: 'vpc-3ac0fb5f',
      State: { Code: 'active' },
      Type: 'network',
      AvailabilityZones: [
        {
          ZoneName: 'us-west-2a',
          SubnetId: 'subnet-8360a9e7',
          LoadBalancerAddresses: [{ PrivateIPv4Address: '10.0.1.7', IPv6Address: 'fd00::7' }],
        },
        { ZoneName: 'us-west-2b', SubnetId: 'subnet-b7d581c0', LoadBalancerAddresses: [{ IpAddress: '198.51.100.7' }] },
      ],
      IpAddressType: 'ipv4',
    },
  ],
};

export const listeners = {
  Listeners: [
    {
      ListenerArn: LISTENER_ARN,
      LoadBalancerArn: BALANCER_ARN,
      Port: 443,
      Protocol: 'TLS',
      Certificates: [{ CertificateArn: 'arn:aws:acm:us-west-2:123456789012:certificate/1234' }],
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
      DefaultActions: [
        {
          Type: 'forward',
          TargetGroupArn: targetGroupArn('blue'),
          Order: 1,
          ForwardConfig: { TargetGroups: [{ TargetGroupArn: targetGroupArn('blue') }] },
        },
      ],
    },
  ],
};

export const listenerAttributes = { Attributes: [{ Key: 'tcp.idle_timeout.seconds', Value: '350' }] };

export const targetGroup = (name: string, fields: Readonly<Record<string, unknown>> = {}) => ({
  TargetGroupArn: targetGroupArn(name),
  TargetGroupName: name,
  Protocol: 'TCP',
  Port: 8080,
  VpcId: 'vpc-3ac0fb5f',
  HealthCheckProtocol: 'HTTP',
  HealthCheckPort: '8081',
  HealthCheckEnabled: true,
  HealthCheckIntervalSeconds: 30,
  HealthCheckTimeoutSeconds: 6,
  HealthyThresholdCount: 5,
  UnhealthyThresholdCount: 2,
  HealthCheckPath: '/ready',
  Matcher: { HttpCode: '200-399' },
  LoadBalancerArns: [BALANCER_ARN],
  TargetType: 'ip',
  IpAddressType: 'ipv4',
  ...fields,
});

export const targetGroups = (...names: readonly string[]) => ({ TargetGroups: names.map(name => targetGroup(name)) });

export const targetGroupAttributes = (proxy = 'true') => ({
  Attributes: [
    { Key: 'proxy_protocol_v2.enabled', Value: proxy },
    { Key: 'preserve_client_ip.enabled', Value: 'false' },
    { Key: 'stickiness.enabled', Value: 'false' },
    { Key: 'deregistration_delay.timeout_seconds', Value: '300' },
    { Key: 'load_balancing.cross_zone.enabled', Value: 'use_load_balancer_configuration' },
  ],
});

export const targetHealth = (port = 8080) => ({
  TargetHealthDescriptions: [
    {
      Target: { Id: '10.0.1.20', Port: port, AvailabilityZone: 'us-west-2a' },
      HealthCheckPort: '8081',
      TargetHealth: { State: 'unhealthy', Reason: 'Target.FailedHealthChecks', Description: 'Health checks failed' },
      AdministrativeOverride: { State: 'no_override' },
    },
  ],
});

export const definition = {
  family: 'chat',
  networkMode: 'awsvpc',
  requiresCompatibilities: ['FARGATE'],
  cpu: '256',
  memory: '512',
  containerDefinitions: [
    {
      name: 'usher',
      image: 'usher:0.1.0',
      cpu: 0,
      portMappings: [{ containerPort: 8080, hostPort: 8080, protocol: 'tcp' }, { containerPortRange: '9000-9005' }],
      essential: true,
      entryPoint: ['node'],
      command: ['main.js', 'run'],
      environment: [],
      dependsOn: [{ containerName: 'app', condition: 'HEALTHY' }],
      stopTimeout: 120,
    },
    { name: 'app' },
  ],
};

export const taskDefinition = {
  taskDefinition: {
    taskDefinitionArn: 'arn:aws:ecs:us-west-2:123456789012:task-definition/chat:7',
    ...definition,
    revision: 7,
    volumes: [],
    status: 'ACTIVE',
    compatibilities: ['EC2', 'FARGATE'],
  },
  tags: [],
};

export const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'chat',
    namespace: 'prod',
    annotations: { 'service.beta.kubernetes.io/aws-load-balancer-proxy-protocol': '*' },
    uid: 'b1a2',
  },
  spec: {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    clusterIP: '10.100.1.1',
    ports: [
      { name: 'wss', port: 443, targetPort: 'usher', nodePort: 31234, protocol: 'TCP' },
      { port: 80, targetPort: 8080 },
    ],
  },
  status: { loadBalancer: {} },
};
