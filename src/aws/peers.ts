/** Who opens the connections behind a Network Load Balancer: its nodes, or, where it keeps their addresses, the clients. */
import { isOn, PRESERVE_CLIENT_IP } from './attributes.js';
import type { KubernetesService, TargetGroup } from './estate.js';
import { annotationOf, groupAttributes, isNetwork } from './flows-service.js';

/** Whether the peer of a connection is the client itself; undefined: the group's attributes were not given. */
export function groupKeepsClients(group: TargetGroup): boolean | undefined {
  const transport = group.protocol === 'TCP' || group.protocol === 'TLS';
  return isOn(group, PRESERVE_CLIENT_IP, group.targetType === 'instance' || !transport);
}

/**
 * Whether the peer of a pod's connection is the client itself; undefined: nothing is said, and by default it is. Nodes keep
 * the client's address unless one passes a connection on to another (externalTrafficPolicy Cluster); pods have to be asked to.
 */
export function serviceKeepsClients(service: KubernetesService): boolean | undefined {
  if (!isNetwork(service)) return false;
  const said = groupAttributes(service).get(PRESERVE_CLIENT_IP);
  if (targetsPods(service)) return said === 'true';
  if (service.externalTrafficPolicy?.value !== 'Local') return false;
  return said === undefined ? undefined : said === 'true';
}

/** Whether a Network Load Balancer connects to pods and not to nodes, which pass connections on. */
export function targetsPods(service: KubernetesService): boolean {
  if (!isNetwork(service)) return false;
  return annotationOf(service, 'nlb-target-type')?.value === 'ip' || annotationOf(service, 'type')?.value === 'nlb-ip';
}
