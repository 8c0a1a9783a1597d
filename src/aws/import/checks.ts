/** Where the balancers' health checks go. */
import type { ClassicBalancer, Estate, KubernetesService, TargetGroup } from '../estate.js';
import type { Flow } from '../flow.js';
import { annotationOf } from '../flows-service.js';
import { groupOf } from '../look-up.js';
import { targetsPods } from '../peers.js';
import { command } from '../shell.js';
import { type BridgedPorts, bridgedPorts } from '../task-ports.js';
import { shown } from './entry.js';

export interface Check {
  /** `target group chat`. */
  readonly owner: string;
  readonly port: number | 'traffic-port';
  /** TCP, SSL, HTTP, HTTPS. */
  readonly protocol: string;
  readonly path: string | undefined;
  /** The command that makes it ask `/readyz`; none where AWS wants to hear more than is known here. */
  readonly askReadyz: readonly string[];
}

/** The checks of everything that the flows come from, each once. */
export function checksOf(estate: Estate, flows: readonly Flow[]): readonly Check[] {
  const groups = new Set(flows.map(flow => groupOf(estate, flow)));
  const named = (kind: Flow['kind']) => new Set(flows.filter(flow => flow.kind === kind).map(flow => flow.balancer));
  const bridged = bridgedPorts(estate.tasks);
  const [classics, services] = [named('clb'), named('service')];
  return [
    ...estate.classics.filter(({ name }) => classics.has(name)).flatMap(classicCheck),
    ...estate.targetGroups.filter(group => groups.has(group)).flatMap(group => groupCheck(group, bridged)),
    ...estate.services.filter(({ name }) => services.has(name)).flatMap(serviceCheck),
  ];
}

/** The ports of all checks, also of what sends no connections to usher. */
export function checkedPorts({ classics, targetGroups, services }: Estate): readonly number[] {
  const checks = [...classics.flatMap(classicCheck), ...targetGroups.map(group => group.healthCheck)];
  return [...checks, ...services.flatMap(serviceCheck)].flatMap(({ port }) => (port === 'traffic-port' ? [] : [port]));
}

function classicCheck({ name, healthCheck }: ClassicBalancer): Check[] {
  if (healthCheck === undefined) return [];
  const { protocol, port, path } = healthCheck;
  return [{ owner: `Classic Load Balancer ${shown(name)}`, port, protocol, path, askReadyz: [] }];
}

function groupCheck({ name, arn, targetType, healthCheck }: TargetGroup, bridged: BridgedPorts): Check[] {
  const { enabled, protocol, port, path } = healthCheck;
  if (!enabled) return [];
  const inside = targetType === 'instance' && port !== 'traffic-port' ? bridged.byHost.get(port) : undefined;
  const askReadyz = [
    command`aws elbv2 modify-target-group --target-group-arn ${arn} --health-check-protocol HTTP --health-check-path /readyz`,
  ];
  return [{ owner: `target group ${shown(name)}`, port: inside ?? port, protocol, path, askReadyz }];
}

/** Only with targets of type ip does the check go to the pod's own port. */
function serviceCheck(service: KubernetesService): Check[] {
  const say = (name: string) => annotationOf(service, name)?.value;
  const port = say('healthcheck-port') ?? '';
  if (!targetsPods(service) || !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) return [];
  const protocol = (say('healthcheck-protocol') ?? 'TCP').toUpperCase();
  const path = say('healthcheck-path') ?? (protocol === 'TCP' ? undefined : '/');
  return [{ owner: `Kubernetes Service ${shown(service.name)}`, port: Number(port), protocol, path, askReadyz: [] }];
}
