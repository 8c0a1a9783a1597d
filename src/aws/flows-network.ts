/** The flows of load balancers of the second generation: of each listener to each port of its target groups. */
import { PROXY_PROTOCOL } from './attributes.js';
import type { Estate, NetworkListener, TargetGroup, TaskDefinition } from './estate.js';
import { type Flow, isHttp, type SentHeader } from './flow.js';
import { below, type DocumentPlace } from './place.js';
import { command } from './shell.js';

/** Their attributes can't be changed, so that they never send a header. */
const FIXED_TYPES: ReadonlySet<string> = new Set(['alb', 'lambda']);

/** Those of listeners, then of target groups that no listener names but that are attached. */
export function networkFlows(estate: Estate): Flow[] {
  const groups = new Map(estate.targetGroups.map(group => [group.arn, group]));
  const named = new Set(estate.listeners.flatMap(({ targetGroupArns }) => targetGroupArns));
  const ofListeners = estate.listeners.flatMap(listener =>
    listener.targetGroupArns.flatMap(arn => listenerFlows(estate, listener, arn, groups.get(arn))),
  );
  // A group that is attached somewhere, when the listeners were not given.
  const others = estate.targetGroups.filter(({ arn, balancerArns }) => balancerArns.length > 0 && !named.has(arn));
  return [...ofListeners, ...others.flatMap(group => groupFlows(estate, group, front(estate, group)))];
}

/** What clients dial. */
interface Front {
  readonly balancer: string;
  readonly port: number | undefined;
  readonly protocol: string;
  readonly at: DocumentPlace;
}

function front(estate: Estate, group: TargetGroup): Front {
  const { protocol, balancerArns, at } = group;
  return { balancer: balancerName(estate, balancerArns[0] ?? ''), port: undefined, protocol, at };
}

function listenerFlows(estate: Estate, listener: NetworkListener, arn: string, group: TargetGroup | undefined): Flow[] {
  const { port, protocol, at, balancerArn } = listener;
  const from: Front = { balancer: balancerName(estate, balancerArn), port, protocol, at };
  if (group !== undefined) return groupFlows(estate, group, from);
  return [flow(from, { protocol, port: undefined, header: 'unknown', headerAt: at, targetGroupArn: arn })];
}

function groupFlows(estate: Estate, group: TargetGroup, from: Front): Flow[] {
  const { protocol, arn } = group;
  const header = sentTo(group);
  const headerAt = group.attributes?.get(PROXY_PROTOCOL)?.at ?? group.at;
  return portsOf(group, estate.tasks).map(port =>
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

function sentTo({ protocol, targetType, attributes }: TargetGroup): SentHeader {
  if (isHttp(protocol) || FIXED_TYPES.has(targetType)) return 'none';
  if (attributes === undefined) return 'unknown';
  return attributes.get(PROXY_PROTOCOL)?.value === 'true' ? 'v2' : 'none';
}

/** Its name, or what its ARN says of it. */
export function balancerName({ networks }: Estate, arn: string): string {
  return networks.find(network => network.arn === arn)?.name ?? arn.split('/').at(-2) ?? arn;
}

/** The ports that usher has to listen on; a target is registered with a port of its own, which overrides that of the group. */
function portsOf({ targetType, port, targets }: TargetGroup, tasks: readonly TaskDefinition[]): (number | undefined)[] {
  if (FIXED_TYPES.has(targetType)) return [undefined];
  const outer = targets === undefined || targets.length === 0 ? [port] : targets.map(target => target.port);
  return [...new Set(outer.map(one => (targetType === 'instance' ? insideContainer(one, tasks) : one)))];
}

/** In a network of the container's own (bridge), usher listens on another port than the instance. */
function insideContainer(port: number | undefined, tasks: readonly TaskDefinition[]): number | undefined {
  const bridged = tasks.filter(({ networkMode }) => networkMode === undefined || networkMode === 'bridge');
  const mappings = bridged.flatMap(({ containers }) => containers.flatMap(({ ports }) => ports));
  const mapped = mappings.find(({ hostPort }) => hostPort === port)?.containerPort;
  if (mapped !== undefined) return mapped;
  // With ports that ECS chooses, the targets' ports say nothing.
  const chosen = mappings.filter(({ hostPort }) => hostPort === undefined || hostPort === 0);
  return chosen.length === 0 ? port : chosen.length === 1 ? chosen[0]?.containerPort : undefined;
}

/** Where an attribute of a target group stands, or would stand. */
export function attributePlace(group: TargetGroup, key: string): DocumentPlace {
  const [first] = group.attributes?.values() ?? [];
  return (
    group.attributes?.get(key)?.at ?? (first === undefined ? group.at : below({ ...first.at, steps: [] }, 'Attributes'))
  );
}
