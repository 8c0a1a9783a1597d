/**
 * Commands of `aws elb` about policies. Attaching replaces the whole set of an instance port, so they name all that shall be
 * attached there.
 */
import { described, isProxyProtocol, PROXY_POLICY_TYPE, portPolicies, sendsHeader } from './classic-policies.js';
import type { ClassicBalancer } from './estate.js';
import { command, shellWord } from './shell.js';

/** What a new policy is called. */
const NEW_POLICY = 'usher-proxy-protocol';

/** A policy that sends the PROXY header: one that is there, else a new one and the command that makes it. */
interface HeaderPolicy {
  readonly name: string;
  readonly create: readonly string[];
}

function headerPolicy(balancer: ClassicBalancer): HeaderPolicy {
  const there = balancer.policies?.find(sendsHeader);
  if (there !== undefined) return { name: there.name, create: [] };
  const name = freeName(balancer);
  const create = command`aws elb create-load-balancer-policy --load-balancer-name ${balancer.name} --policy-name ${name} --policy-type-name ${PROXY_POLICY_TYPE} --policy-attributes AttributeName=ProxyProtocol,AttributeValue=true`;
  return { name, create: [create] };
}

function freeName({ otherPolicies, attached, policies }: ClassicBalancer): string {
  const taken = new Set([
    ...otherPolicies.map(({ value }) => value),
    ...attached.flatMap(({ names }) => names),
    ...(policies ?? []).map(({ name }) => name),
  ]);
  let name = NEW_POLICY;
  for (let count = 2; taken.has(name); count += 1) name = `${NEW_POLICY}-${count}`;
  return name;
}

/** Turns the PROXY header on for some instance ports. Other policies stay there, but none that is switched off. */
export function turnHeaderOn(balancer: ClassicBalancer, ports: readonly number[]): readonly string[] {
  const { name, create } = headerPolicy(balancer);
  const set = ports.map(port => {
    const { names } = portPolicies(balancer, port);
    const dead = described(balancer, names).filter(policy => isProxyProtocol(policy) && !sendsHeader(policy));
    const others = names.filter(other => other !== name && !dead.some(policy => policy.name === other));
    return setPolicies(balancer.name, port, [...others, name]);
  });
  return [...create, ...set];
}

/** Turns it off for one instance port; only policies stay that are known to be of another type. */
export function turnHeaderOff(balancer: ClassicBalancer, port: number): readonly string[] {
  const others = described(balancer, portPolicies(balancer, port).names).filter(policy => !isProxyProtocol(policy));
  return [
    setPolicies(
      balancer.name,
      port,
      others.map(({ name }) => name),
    ),
  ];
}

/** Attaches just these policies to an instance port; none: an empty list, which detaches all. */
export function setPolicies(balancer: string, instancePort: number, names: readonly string[]): string {
  const start = command`aws elb set-load-balancer-policies-for-backend-server --load-balancer-name ${balancer} --instance-port ${instancePort} --policy-names`;
  return `${start} ${names.length === 0 ? "'[]'" : names.map(shellWord).join(' ')}`;
}
