/** The flows of Classic Load Balancers. */
import type { AttachedPolicies, ClassicBalancer, ClassicListener, Policy } from './estate.js';
import { type Flow, isHttp, type SentHeader } from './flow.js';
import { command, shellWord } from './shell.js';

/** The type of policy that makes a Classic Load Balancer send a PROXY v1 line. */
export const PROXY_POLICY_TYPE = 'ProxyProtocolPolicyType';
/** What a new policy is called. */
const NEW_POLICY = 'usher-proxy-protocol';

export function classicFlows(balancers: readonly ClassicBalancer[]): Flow[] {
  return balancers.flatMap(balancer => balancer.listeners.map(listener => flowOf(balancer, listener)));
}

function flowOf(balancer: ClassicBalancer, listener: ClassicListener): Flow {
  const { instancePort, instanceProtocol } = listener;
  const attached = attachedTo(balancer, instancePort);
  const http = isHttp(instanceProtocol);
  return {
    kind: 'clb',
    at: listener.at,
    balancer: balancer.name,
    frontPort: listener.port,
    frontProtocol: listener.protocol,
    protocol: instanceProtocol,
    port: instancePort,
    header: http ? 'none' : sentThrough(balancer, attached),
    headerAt: attached?.at ?? listener.at,
    turnOn: http ? [] : commandsOn(balancer, instancePort),
    turnOff: commandsOff(balancer, instancePort),
    targetGroupArn: undefined,
  };
}

/** The policies of an instance port. */
export function attachedTo(balancer: ClassicBalancer, instancePort: number): AttachedPolicies | undefined {
  return balancer.attached.find(({ instancePort: port }) => port === instancePort);
}

/** A policy of a balancer by name; undefined: not known. */
export function policyOf({ policies }: ClassicBalancer, name: string): Policy | undefined {
  return policies?.find(policy => policy.name === name);
}

/** Whether a policy makes the balancer send the line. */
export function sendsHeader({ type, attributes }: Policy): boolean {
  return type === PROXY_POLICY_TYPE && attributes['ProxyProtocol']?.toLowerCase() === 'true';
}

function sentThrough(balancer: ClassicBalancer, attached: AttachedPolicies | undefined): SentHeader {
  const policies = (attached?.names ?? []).map(name => policyOf(balancer, name));
  if (policies.some(policy => policy !== undefined && sendsHeader(policy))) return 'v1';
  return policies.includes(undefined) ? 'unknown' : 'none';
}

/** Attaching replaces the whole set of an instance port, so the commands name all that shall be attached. */
function commandsOn(balancer: ClassicBalancer, instancePort: number): string[] {
  const ready = balancer.policies?.find(sendsHeader)?.name;
  const names = [...new Set([...(attachedTo(balancer, instancePort)?.names ?? []), ready ?? NEW_POLICY])];
  const create = command`aws elb create-load-balancer-policy --load-balancer-name ${balancer.name} --policy-name ${NEW_POLICY} --policy-type-name ${PROXY_POLICY_TYPE} --policy-attributes AttributeName=ProxyProtocol,AttributeValue=true`;
  return [...(ready === undefined ? [create] : []), setPolicies(balancer.name, instancePort, names)];
}

function commandsOff(balancer: ClassicBalancer, instancePort: number): string[] {
  const { names } = attachedTo(balancer, instancePort) ?? { names: [] };
  const others = names.filter(name => {
    const policy = policyOf(balancer, name);
    return policy !== undefined && policy.type !== PROXY_POLICY_TYPE;
  });
  return [setPolicies(balancer.name, instancePort, others)];
}

/** The command that attaches just these policies to an instance port; none: an empty list, which detaches all. */
export function setPolicies(balancer: string, instancePort: number, names: readonly string[]): string {
  const start = command`aws elb set-load-balancer-policies-for-backend-server --load-balancer-name ${balancer} --instance-port ${instancePort} --policy-names`;
  return `${start} ${names.length === 0 ? "'[]'" : names.map(shellWord).join(' ')}`;
}
