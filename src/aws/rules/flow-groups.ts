/** Flows beside usher's listeners: what arrives where. */
import type { ListenerSettings, Settings } from '../../settings.js';
import type { ClassicBalancer, ClassicListener, Estate } from '../estate.js';
import { type Flow, isDatagram, isHttp } from '../flow.js';
import { keptFor } from '../indexed.js';
import { isLoopback } from '../own-endpoint.js';
import { listed } from '../words.js';

/** A flow whose port is known and that comes over TCP. */
export type PortFlow = Flow & { readonly port: number };

/** Flows that come to one port for one reason: what turns the header on or off does so for all of them. */
export interface FlowGroup {
  /** At least one. */
  readonly flows: readonly PortFlow[];
  readonly first: PortFlow;
}

/** The flows that come over TCP to a port that is known. */
export function portFlows(flows: readonly Flow[]): readonly PortFlow[] {
  return flows.filter(
    (flow): flow is PortFlow => flow.port !== undefined && !isDatagram(flow.protocol) && flow.protocol !== 'GENEVE',
  );
}

/** Listeners of one balancer that lead to one port by one policy, attribute or annotation are one group. */
export const flowGroups = keptFor((flows: readonly Flow[]): readonly FlowGroup[] => {
  const groups = new Map<string, PortFlow[]>();
  for (const flow of portFlows(flows)) {
    const { kind, balancer, port, header, targetGroupArn, protocol } = flow;
    const key = JSON.stringify([kind, targetGroupArn ?? balancer, port, header, isHttp(protocol)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [flow]);
    else group.push(flow);
  }
  return [...groups.values()].flatMap(group => (group[0] === undefined ? [] : [{ flows: group, first: group[0] }]));
});

/** `chat (SSL 443 and TCP 80)`. */
export function groupWords({ flows, first }: FlowGroup): string {
  const fronts = flows.flatMap(flow => (flow.frontPort === undefined ? [] : [flowWords(flow)]));
  return fronts.length === 0 ? first.balancer : `${first.balancer} (${listed([...new Set(fronts)])})`;
}

function flowWords({ frontProtocol, frontPort }: Flow): string {
  return `${frontProtocol} ${frontPort}`;
}

/**
 * Whether listeners that relay and listeners that read HTTP of one Classic Load Balancer meet at the port of the flow.
 * `clb-mixed-instance-port` tells that, with its cure.
 */
export function meetsHttp(flow: Flow, flows: readonly Flow[]): boolean {
  return flows.some(other => sameInstancePort(flow, other) && isHttp(other.protocol) !== isHttp(flow.protocol));
}

/** Whether two flows are listeners of one Classic Load Balancer with the same instance port. */
export function sameInstancePort(a: Flow, b: Flow): boolean {
  return a.kind === 'clb' && b.kind === 'clb' && a.balancer === b.balancer && a.port === b.port;
}

/** usher's listeners on a port; those that only this machine reaches count where there is no other. */
export function listenersOn({ listeners }: Settings, port: number): readonly ListenerSettings[] {
  const there = listeners.filter(({ listen }) => listen.port === port);
  const open = there.filter(({ listen }) => !isLoopback(listen.host));
  return open.length > 0 ? open : there;
}

/** The listener of a Classic Load Balancer that a flow is. */
export function classicOf(
  { classics }: Estate,
  flow: Flow,
): { readonly balancer: ClassicBalancer; readonly listener: ClassicListener } | undefined {
  if (flow.kind !== 'clb') return undefined;
  const balancer = classics.find(({ name }) => name === flow.balancer);
  const listener = balancer?.listeners.find(({ port }) => port === flow.frontPort);
  return balancer === undefined || listener === undefined ? undefined : { balancer, listener };
}
