/** Target groups behind Network Load Balancers, and who of usher serves them. */
import type { ListenerSettings } from '../../settings.js';
import type { Estate, NetworkBalancer, NetworkListener, TargetGroup } from '../estate.js';
import type { Scene } from '../finding.js';
import type { Flow } from '../flow.js';
import { indexed, keptFor } from '../indexed.js';
import { listenersTo, networksOf } from '../look-up.js';

/** A target group and what stands in front of it. */
export interface Served {
  readonly group: TargetGroup;
  readonly listeners: readonly NetworkListener[];
  /** Those that were given. */
  readonly balancers: readonly NetworkBalancer[];
}

/** Every target group with the listeners that forward to it. */
export function servedGroups(estate: Estate): readonly Served[] {
  return allServed(estate);
}

const allServed = keptFor((estate: Estate): readonly Served[] =>
  estate.targetGroups.map(group => {
    const listeners = listenersTo(estate, group);
    const arns = [...group.balancerArns, ...listeners.map(({ balancerArn }) => balancerArn)];
    return { group, listeners, balancers: networksOf(estate, arns) };
  }),
);

const flowsByGroup = indexed(({ targetGroupArn }: Flow) => [targetGroupArn]);

/**
 * Target groups of instances or addresses that take TCP connections from a Network Load Balancer and that usher may
 * serve: without a configuration all of them, else those with a port on which usher listens, or whose port is unknown.
 */
export function tcpGroups(scene: Scene): readonly Served[] {
  return servedGroups(scene.estate).filter(
    ({ group, balancers }) =>
      (group.protocol === 'TCP' || group.protocol === 'TLS') &&
      (group.targetType === 'instance' || group.targetType === 'ip') &&
      balancers.every(balancer => balancer.type === 'network') &&
      mayServe(scene, group),
  );
}

/** Whether the group may lead to usher: without a configuration, or where its port is not known, it may. */
export function mayServe(scene: Scene, group: TargetGroup): boolean {
  return scene.sidecar === undefined || portsOf(scene, group).length === 0 || listenersOf(scene, group).length > 0;
}

/** The ports at usher to which a group's connections go; empty: the files do not say. */
export function portsOf(scene: Scene, group: TargetGroup): readonly number[] {
  const flows = flowsByGroup(scene.flows, group.arn);
  const ports = flows.length > 0 ? flows.map(flow => flow.port) : registeredPorts(group);
  return [...new Set(ports)].filter(port => port !== undefined);
}

/** A target brings its own port; the group's is only what it gets where none is given. */
function registeredPorts(group: TargetGroup): readonly (number | undefined)[] {
  const { targets = [], port } = group;
  return targets.length > 0 ? targets.map(target => target.port) : [port];
}

/** usher's listeners on the ports of a group; none without a configuration. */
export function listenersOf(scene: Scene, group: TargetGroup): readonly ListenerSettings[] {
  const ports = portsOf(scene, group);
  return (scene.sidecar?.settings.listeners ?? []).filter(listener => ports.includes(listener.listen.port));
}
