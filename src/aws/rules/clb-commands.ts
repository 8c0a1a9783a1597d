/** Commands of `aws elb` that the cures are made of, in the order in which they are run. Not run against an account. */
import type { ClassicBalancer, ClassicListener } from '../estate.js';
import { isHttp } from '../flows.js';
import { PROXY_POLICY_TYPE, sendsHeader, setPolicies } from '../flows-classic.js';
import { command } from '../shell.js';
import { described, isProxyProtocol, portPolicies } from './clb-policies.js';

const NEW_POLICY = 'usher-proxy-protocol';

/** A policy that sends the PROXY header: one that is there, else a new one and the command that makes it. */
export interface HeaderPolicy {
  readonly name: string;
  readonly create: readonly string[];
}

export function headerPolicy(balancer: ClassicBalancer): HeaderPolicy {
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

/** A listener as it is to be. */
export interface NewListener {
  readonly instancePort: number;
  /** `relay`: TCP, or SSL where the balancer ends TLS, and TCP to usher; `same`: the protocols that it has. */
  readonly protocols: 'relay' | 'same';
}

/** Deletes a listener and makes it anew, because AWS changes none; its port is closed for the moment between. */
export function replaceListener(
  { name }: ClassicBalancer,
  listener: ClassicListener,
  { instancePort, protocols }: NewListener,
): readonly string[] {
  const { port, protocol, instanceProtocol } = listener;
  const front = protocols === 'relay' ? relayed(listener) : protocol;
  const back = protocols === 'relay' ? 'TCP' : instanceProtocol;
  const fields = `Protocol=${front},LoadBalancerPort=${port},InstanceProtocol=${back},InstancePort=${instancePort}`;
  const remove = command`aws elb delete-load-balancer-listeners --load-balancer-name ${name} --load-balancer-ports ${port}`;
  const create = command`aws elb create-load-balancer-listeners --load-balancer-name ${name} --listeners`;
  if (!endsTls({ protocol: front })) return [remove, `${create} ${fields}`];
  return [keepCertificate(name, port), remove, `${create} "${fields},SSLCertificateId=$CERTIFICATE"`];
}

function keepCertificate(name: string, port: number): string {
  const query = `LoadBalancerDescriptions[0].ListenerDescriptions[?Listener.LoadBalancerPort==\`${port}\`].Listener.SSLCertificateId`;
  return `CERTIFICATE=$(${command`aws elb describe-load-balancers --load-balancer-names ${name} --query ${query} --output text`})`;
}

/** TCP or SSL in place of HTTP or HTTPS. */
export function relayed({ protocol }: ClassicListener): 'TCP' | 'SSL' {
  return endsTls({ protocol }) ? 'SSL' : 'TCP';
}

/** Whether the balancer ends the TLS of clients. */
export function endsTls({ protocol }: Pick<ClassicListener, 'protocol'>): boolean {
  return protocol === 'SSL' || protocol === 'HTTPS';
}

/** Whether the balancer reads the requests itself. */
export function readsHttp({ protocol }: Pick<ClassicListener, 'protocol'>): boolean {
  return isHttp(protocol);
}

/** What a cure adds where a listener that has a certificate is made anew. */
export function tlsNote(listeners: readonly ClassicListener[]): string {
  return listeners.some(endsTls)
    ? "; a new listener with a certificate begins with AWS's default TLS policy, so set yours again if it had another"
    : '';
}

/** Asks AWS for the balancer as it is now. */
export function describeClassic({ name }: ClassicBalancer): string {
  return command`aws elb describe-load-balancers --load-balancer-names ${name}`;
}
