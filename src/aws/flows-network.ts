/** The flows of load balancers of the second generation: of each listener to each port of its target groups. */
import { headerTo, PROXY_PROTOCOL } from './attributes.js';
import type { Estate, NetworkBalancer, TargetGroup } from './estate.js';
import { type Flow, isHttp, type SentHeader } from './flow.js';
import { below, type DocumentPlace } from './place.js';
import { command } from './shell.js';
import { type BridgedPorts, bridgedPorts } from './task-ports.js';

/** Their attributes can't be changed, so that they never send a header. */
const FIXED_TYPES: ReadonlySet<string> = new Set(['alb', 'lambda']);

/** Those of listeners, then of target groups that no listener names but that are attached. */
export function networkFlows(estate: Estate): Flow[] {
  const { listeners, targetGroups, networks, tasks } = estate;
  const groups = new Map(targetGroups.map(group => [group.arn, group]));
  const named = new Set(listeners.flatMap(({ targetGroupArns }) => targetGroupArns));
  const nameOf = balancerNames(networks);
  const bridged = bridgedPorts(tasks);
  const ofListeners = listeners.flatMap(listener => {
    const from = { ...listener, balancer: nameOf(listener.balancerArn) };
    return listener.targetGroupArns.flatMap(arn => listenerFlows(from, arn, groups.get(arn), bridged));
  });
  // A group that is attached somewhere, when the listeners were not given.
  const others = targetGroups.filter(({ arn, balancerArns }) => balancerArns.length > 0 && !named.has(arn));
  const ofOthers = others.flatMap(group => {
    const { protocol, balancerArns, at } = group;
    const from: Front = { balancer: nameOf(balancerArns[0] ?? ''), port: undefined, protocol, at };
    return groupFlows(group, from, bridged);
  });
  return [...ofListeners, ...ofOthers];
}

/** What clients dial. */
interface Front {
  readonly balancer: string;
  readonly port: number | undefined;
  readonly protocol: string;
  readonly at: DocumentPlace;
}

function listenerFlows(from: Front, arn: string, group: TargetGroup | undefined, bridged: BridgedPorts): Flow[] {
  if (group !== undefined) return groupFlows(group, from, bridged);
  const { protocol, at } = from;
  return [flow(from, { protocol, port: undefined, header: 'unknown', headerAt: at, targetGroupArn: arn })];
}

function groupFlows(group: TargetGroup, from: Front, bridged: BridgedPorts): Flow[] {
  const { protocol, arn } = group;
  const header = sentTo(group);
  const headerAt = group.attributes?.get(PROXY_PROTOCOL)?.at ?? group.at;
  return portsOf(group, bridged).map(port =>
    flow(from, { protocol, port, header, headerAt, targetGroupArn: arn }, group),
  );
}

type To = Pick<Flow, 'protocol' | 'port' | 'header' | 'headerAt' | 'targetGroupArn'>;

function flow(from: Front, to: To, group?: TargetGroup): Flow {
  const switchable = group !== undefined && !isHttp(group.protocol) && !FIXED_TYPES.has(group.targetType);
  const turn = (value: boolean) => (switchable ? [setAttribute(group.arn, PROXY_PROTOCOL, `${value}`)] : []);
  return {
    kind: 'nlb',
    at: from.at,
    balancer: from.balancer,
    frontPort: from.port,
    frontProtocol: from.protocol,
    ...to,
    turnOn: turn(true),
    turnOff: turn(false),
  };
}

/** The command that sets one attribute of a target group. */
export function setAttribute(targetGroupArn: string, key: string, value: string): string {
  return command`aws elbv2 modify-target-group-attributes --target-group-arn ${targetGroupArn} --attributes ${`Key=${key},Value=${value}`}`;
}

function sentTo(group: TargetGroup): SentHeader {
  if (isHttp(group.protocol) || FIXED_TYPES.has(group.targetType)) return 'none';
  return headerTo(group);
}

/** Names of balancers by their ARNs; of one that was not given, what its ARN says of it. */
export function balancerNames(networks: readonly NetworkBalancer[]): (arn: string) => string {
  const names = new Map(networks.map(({ arn, name }) => [arn, name]));
  return arn => names.get(arn) ?? arn.split('/').at(-2) ?? arn;
}

/** The ports that usher has to listen on; a target is registered with a port of its own, which overrides that of the group. */
function portsOf({ targetType, port, targets }: TargetGroup, bridged: BridgedPorts): (number | undefined)[] {
  if (FIXED_TYPES.has(targetType)) return [undefined];
  const outer = targets === undefined || targets.length === 0 ? [port] : targets.map(target => target.port);
  return [...new Set(outer.map(one => (targetType === 'instance' ? insideContainer(one, bridged) : one)))];
}

function insideContainer(port: number | undefined, { byHost, chosen }: BridgedPorts): number | undefined {
  const mapped = port === undefined ? undefined : byHost.get(port);
  if (mapped !== undefined) return mapped;
  // With ports that ECS chooses, the targets' ports say nothing.
  return chosen.length === 0 ? port : chosen.length === 1 ? chosen[0] : undefined;
}

/** Where an attribute of a target group stands, or would stand. */
export function attributePlace(group: TargetGroup, key: string): DocumentPlace {
  const [first] = group.attributes?.values() ?? [];
  return (
    group.attributes?.get(key)?.at ?? (first === undefined ? group.at : below({ ...first.at, steps: [] }, 'Attributes'))
  );
}
