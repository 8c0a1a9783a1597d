/**
 * What AWS and Kubernetes have been told, put together from all files: plain values of which each knows its place. Names
 * of fields are AWS's own where it has one. `undefined` means that the files do not say, never a default: rules fill
 * defaults in where they use a value.
 */
import type { At } from './place.js';

/** A value and where it stands. */
export interface Given<T> extends At {
  readonly value: T;
}

export interface Estate {
  readonly classics: readonly ClassicBalancer[];
  readonly networks: readonly NetworkBalancer[];
  /** All listeners of load balancers of the second generation, also those whose balancer was not given. */
  readonly listeners: readonly NetworkListener[];
  readonly targetGroups: readonly TargetGroup[];
  readonly tasks: readonly TaskDefinition[];
  readonly services: readonly KubernetesService[];
  /** What is missing or was left out, so that a rule could not be asked. */
  readonly gaps: readonly Gap[];
}

/** Why less is known than could be. */
export interface Gap extends At {
  /**
   * `more-pages`: the output names a next page. `unassigned`: nothing tells which balancer, listener or target group the
   * document is of. `duplicate`: the same thing was described twice, and the later one counts.
   */
  readonly kind: 'more-pages' | 'unassigned' | 'duplicate';
  /** One sentence that says what to do. */
  readonly message: string;
}

// ---- Classic Load Balancer ----

export interface ClassicBalancer extends At {
  readonly name: string;
  readonly scheme: string | undefined;
  readonly subnets: readonly string[];
  /** Ids of the machines that it sends to; empty: none is registered, or the file does not say. */
  readonly instances: readonly string[];
  readonly listeners: readonly ClassicListener[];
  /** BackendServerDescriptions: which policies are attached to which instance port. */
  readonly attached: readonly AttachedPolicies[];
  /** Policies.OtherPolicies: names of policies that exist, attached or not. */
  readonly otherPolicies: readonly Given<string>[];
  /** Of describe-load-balancer-policies; undefined: not given. */
  readonly policies: readonly Policy[] | undefined;
  readonly healthCheck: ClassicHealthCheck | undefined;
  /** Seconds. */
  readonly idleTimeout: Given<number> | undefined;
  /** Seconds; 0: disabled. */
  readonly connectionDraining: Given<number> | undefined;
}

export interface ClassicListener extends At {
  readonly protocol: ClassicProtocol;
  readonly port: number;
  readonly instanceProtocol: ClassicProtocol;
  readonly instancePort: number;
}

export type ClassicProtocol = 'TCP' | 'SSL' | 'HTTP' | 'HTTPS';

export interface AttachedPolicies extends At {
  readonly instancePort: number;
  readonly names: readonly string[];
}

export interface Policy extends At {
  readonly name: string;
  /** `ProxyProtocolPolicyType`. */
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ClassicHealthCheck extends At {
  readonly protocol: ClassicProtocol;
  readonly port: number;
  /** With HTTP and HTTPS. */
  readonly path: string | undefined;
}

// ---- Network Load Balancer ----

export interface NetworkBalancer extends At {
  readonly arn: string;
  readonly name: string;
  /** `network`, `application`, `gateway`. */
  readonly type: string;
  readonly scheme: string | undefined;
  readonly subnets: readonly string[];
  /** Private addresses of its nodes, where they are given. */
  readonly addresses: readonly string[];
}

export interface NetworkListener extends At {
  readonly arn: string;
  readonly balancerArn: string;
  readonly port: number;
  /** TCP, TLS, UDP, TCP_UDP, QUIC, TCP_QUIC; HTTP and HTTPS are of an Application Load Balancer. */
  readonly protocol: string;
  readonly targetGroupArns: readonly string[];
  /** Of describe-listener-attributes; undefined: not given. */
  readonly attributes: Attributes | undefined;
}

export interface TargetGroup extends At {
  readonly arn: string;
  readonly name: string;
  readonly protocol: string;
  /** Left out for a group of Lambda functions. */
  readonly port: number | undefined;
  /** `instance`, `ip`, `lambda`, `alb`. */
  readonly targetType: string;
  readonly balancerArns: readonly string[];
  readonly healthCheck: TargetHealthCheck;
  /** Of describe-target-group-attributes; undefined: not given. */
  readonly attributes: Attributes | undefined;
  /** Of describe-target-health; undefined: not given. */
  readonly targets: readonly Target[] | undefined;
}

/** Attributes as strings, each with its place. */
export type Attributes = ReadonlyMap<string, Given<string>>;

export interface TargetHealthCheck extends At {
  readonly enabled: boolean;
  readonly protocol: string;
  /** A number or `traffic-port`. */
  readonly port: number | 'traffic-port';
  readonly path: string | undefined;
}

export interface Target extends At {
  /** An instance or an address. */
  readonly id: string;
  readonly port: number;
  /** `healthy`, `unhealthy`, `draining` …, where it is given. */
  readonly state: string | undefined;
  readonly reason: string | undefined;
}

// ---- ECS ----

export interface TaskDefinition extends At {
  readonly family: string;
  readonly networkMode: string | undefined;
  /** FARGATE, EC2. */
  readonly compatibilities: readonly string[];
  readonly containers: readonly Container[];
}

export interface Container extends At {
  readonly name: string;
  readonly image: string | undefined;
  readonly essential: boolean;
  /** Seconds. */
  readonly stopTimeout: Given<number> | undefined;
  readonly ports: readonly PortMapping[];
  readonly dependsOn: readonly Dependency[];
  /** Words of entryPoint and command. */
  readonly words: readonly string[];
}

export interface PortMapping extends At {
  readonly containerPort: number;
  /** Undefined or 0: chosen by ECS, or the same as containerPort in awsvpc mode. */
  readonly hostPort: number | undefined;
}

export interface Dependency extends At {
  readonly containerName: string;
  readonly condition: string;
}

// ---- Kubernetes ----

export interface KubernetesService extends At {
  readonly name: string;
  readonly namespace: string | undefined;
  /** `LoadBalancer` …. */
  readonly type: string | undefined;
  /** spec.loadBalancerClass, `service.k8s.aws/nlb`. */
  readonly loadBalancerClass: string | undefined;
  readonly annotations: ReadonlyMap<string, Given<string>>;
  readonly ports: readonly ServicePort[];
  readonly externalTrafficPolicy: Given<string> | undefined;
}

export interface ServicePort extends At {
  readonly name: string | undefined;
  readonly port: number;
  /** A number, or the name of a port of the pod; undefined: as `port`. */
  readonly targetPort: number | string | undefined;
  readonly nodePort: number | undefined;
  readonly protocol: string;
}
