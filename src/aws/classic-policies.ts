/** What the policies on an instance port of a Classic Load Balancer come to. */
import type { AttachedPolicies, ClassicBalancer, Policy } from './estate.js';
import type { SentHeader } from './flow.js';
import type { DocumentPlace } from './place.js';

/** The type of policy that makes a Classic Load Balancer send a PROXY v1 line. */
export const PROXY_POLICY_TYPE = 'ProxyProtocolPolicyType';

export interface PortPolicies {
  /** `unknown`: a policy is attached whose type the files do not tell. */
  readonly header: 'on' | 'off' | 'unknown';
  /** All that are attached to the port. */
  readonly names: readonly string[];
  /** Those of them whose type is not known. */
  readonly unresolved: readonly string[];
  /** The entry of the port; without one, the balancer. */
  readonly at: DocumentPlace;
}

/** What comes in front of a connection, by what the policies of its port say. */
export const LINES: Readonly<Record<PortPolicies['header'], SentHeader>> = {
  on: 'v1',
  off: 'none',
  unknown: 'unknown',
};

/** What is attached to an instance port; nothing attached is `off` for sure. */
export function portPolicies(balancer: ClassicBalancer, port: number): PortPolicies {
  const attached = attachedTo(balancer, port);
  const names = attached?.names ?? [];
  const unresolved = names.filter(name => policyOf(balancer, name) === undefined);
  const known = described(balancer, names);
  const undecided = unresolved.length > 0 ? 'unknown' : 'off';
  return { header: known.some(sendsHeader) ? 'on' : undecided, names, unresolved, at: attached?.at ?? balancer.at };
}

/** Those of the names that describe-load-balancer-policies told of. */
export function described(balancer: ClassicBalancer, names: readonly string[]): readonly Policy[] {
  return names.map(name => policyOf(balancer, name)).filter(policy => policy !== undefined);
}

/** Whether a policy is about the PROXY header, switched on or not. */
export function isProxyProtocol({ type }: Policy): boolean {
  return type === PROXY_POLICY_TYPE;
}

/** Without --load-balancer-name the command shows policies that AWS has for all (API DescribeLoadBalancerPolicies). */
export function isSample({ name }: Policy): boolean {
  return name.startsWith('ELBSample-');
}

/** The entries of BackendServerDescriptions that have policies on them. */
export function attachments({ attached }: ClassicBalancer): readonly AttachedPolicies[] {
  return attached.filter(({ names }) => names.length > 0);
}

/** The policies of an instance port. */
function attachedTo(balancer: ClassicBalancer, instancePort: number): AttachedPolicies | undefined {
  return balancer.attached.find(({ instancePort: port }) => port === instancePort);
}

/** A policy of a balancer by name; undefined: not known. */
function policyOf({ policies }: ClassicBalancer, name: string): Policy | undefined {
  return policies?.find(policy => policy.name === name);
}

/** Whether a policy makes the balancer send the line. */
export function sendsHeader({ type, attributes }: Policy): boolean {
  return type === PROXY_POLICY_TYPE && attributes['ProxyProtocol']?.toLowerCase() === 'true';
}
