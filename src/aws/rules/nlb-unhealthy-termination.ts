/** What a Network Load Balancer does to the connections of a target that fails its health checks, as usher does in a drain. */
import type { DrainSettings } from '../../settings.js';
import { isOn, UNHEALTHY_TERMINATION } from '../attributes.js';
import type { TargetGroup } from '../estate.js';
import type { Finding, Rule, Scene } from '../finding.js';
import { attributePlace, setAttribute } from '../flows-network.js';
import { below } from '../place.js';
import type { Sidecar } from '../sidecar.js';
import { listenersOf, portsOf, tcpGroups } from './nlb-groups.js';

/** Two checks at AWS's default interval, milliseconds: sooner a target is rarely found unhealthy. */
const UNHEALTHY_AFTER_MS = 60_000;

export const nlbUnhealthyTermination: Rule = {
  id: 'nlb-unhealthy-termination',
  severity: 'warning',
  title: 'The balancer resets all connections of a target that fails its health check, and usher fails it in a drain',
  story: `By default (target_health_state.unhealthy.connection_termination.enabled=true) a Network Load
Balancer resets every connection of a target as soon as it counts as unhealthy.

usher, when it is told to stop, says 503 on /readyz at once, so that no new connections come, and
then closes WebSockets politely over drain.closeOver. With a health check on /readyz the balancer
finds the target unhealthy meanwhile, and resets all live WebSockets in the middle of that: clients
see an error in place of a Close frame, and come back all at once. A check of the traffic port fails
likewise once usher has stopped listening.

Turn the attribute off. Then an unhealthy target gets no new connections and keeps those that it
has.

    aws elbv2 modify-target-group-attributes --target-group-arn ARN --attributes \\
      Key=target_health_state.unhealthy.connection_termination.enabled,Value=false

Where that can't be: check /livez, which says 200 as long as the process runs, or set
drain.failReadiness: false in usher's configuration.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    for (const { group } of tcpGroups(scene)) {
      if (isOn(group, UNHEALTHY_TERMINATION, true) !== true || listenersOf(scene, group).length === 0) continue;
      const failing = failsInDrain(scene, sidecar, group);
      if (failing !== undefined) yield unhealthyFinding(sidecar, group, failing);
    }
  },
};

/** What of the group's health check fails while usher drains, and the key of usher's configuration that decides on it. */
interface Failing {
  readonly what: string;
  readonly key: 'failReadiness' | 'deregisterDelay';
}

function failsInDrain(scene: Scene, { settings }: Sidecar, group: TargetGroup): Failing | undefined {
  const { enabled, port, protocol, path = '/' } = group.healthCheck;
  const { drain, admin, listeners } = settings;
  if (!enabled) return undefined;
  if (port === admin?.listen.port) {
    const readiness = protocol === 'HTTP' && path.split('?')[0] === '/readyz';
    return readiness && drain.failReadiness ? { what: '/readyz of usher', key: 'failReadiness' } : undefined;
  }
  const ports = port === 'traffic-port' ? portsOf(scene, group) : [port];
  const usher = listeners.find(({ listen }) => ports.includes(listen.port));
  if (usher === undefined || closedFor(drain) <= UNHEALTHY_AFTER_MS) return undefined;
  return { what: `usher's listener ${usher.name}, which is closed during a drain`, key: 'deregisterDelay' };
}

/** How long listeners are closed while connections are still open, milliseconds. */
function closedFor({ timeoutMs, deregisterDelayMs }: DrainSettings): number {
  return timeoutMs - deregisterDelayMs;
}

function unhealthyFinding(sidecar: Sidecar, group: TargetGroup, { what, key }: Failing): Finding {
  const live = key === 'failReadiness';
  return {
    rule: 'nlb-unhealthy-termination',
    severity: 'warning',
    message: `target group ${group.name} resets the connections of an unhealthy target, and its health check asks ${what}`,
    consequence:
      'draining resets all live WebSockets: clients see an error in place of a Close frame and come back at once',
    places: [
      attributePlace(group, UNHEALTHY_TERMINATION),
      below(group.at, live ? 'HealthCheckPath' : 'HealthCheckPort'),
      sidecar.place('drain', key),
    ],
    cure: `turn the attribute off; or let the health check ask /livez${live ? '' : ' of the admin port'}, which says 200 during a drain`,
    commands: [setAttribute(group.arn, UNHEALTHY_TERMINATION, 'false')],
  };
}
