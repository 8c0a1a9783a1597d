/** Health checks of all balancers in one form, and who of usher answers them. */

import type { ListenerSettings, Settings } from '../../settings.js';
import { annotate } from '../annotate.js';
import { headerTo, PROXY_PROTOCOL } from '../attributes.js';
import { LINES, portPolicies } from '../classic-policies.js';
import type { ClassicBalancer, KubernetesService, TargetGroup } from '../estate.js';
import type { Scene } from '../finding.js';
import type { SentHeader } from '../flow.js';
import { attributePlace } from '../flows-network.js';
import { annotationOf } from '../flows-service.js';
import { serviceOf } from '../look-up.js';
import { isLoopback, type OwnEndpoint, ownEndpoint } from '../own-endpoint.js';
import { targetsPods } from '../peers.js';
import { type At, below, type DocumentPlace } from '../place.js';
import { command } from '../shell.js';
import type { Sidecar } from '../sidecar.js';
import { isBridged } from '../task-ports.js';
import { portsOf, tcpGroups } from './nlb-groups.js';

export interface HealthCheck extends At {
  /** `target group chat-blue`, `balancer chat`, `Service chat`. */
  readonly whose: string;
  /** TCP, SSL, HTTP, HTTPS. */
  readonly protocol: string;
  readonly port: number;
  readonly header: SentHeader;
  readonly headerAt: DocumentPlace;
  /** What a cure adds to these commands; empty: nothing. */
  readonly remark: string;
  /** The commands that make it another check. */
  change(to: Target): readonly string[];
}

/** What a check asks; with a path over HTTP, without one by a TCP connection. */
export interface Target {
  readonly port: number;
  readonly path: string | undefined;
}

/** Who listens on a port of the machine or task. */
export type Answerer =
  | { readonly kind: 'listener'; readonly listener: ListenerSettings }
  | { readonly kind: 'admin'; readonly loopback: boolean }
  | ({ readonly kind: 'backend' } & OwnEndpoint)
  | { readonly kind: 'nobody' };

/** The checks whose balancer sends connections to a listener of usher: those of others are none of its business. */
export function healthChecks(scene: Scene): readonly HealthCheck[] {
  if (scene.sidecar === undefined) return [];
  const ports = scene.sidecar.settings.listeners.map(({ listen }) => listen.port);
  const isUshers = (port: number | undefined) => port !== undefined && ports.includes(port);
  const { estate, flows } = scene;
  return [
    ...estate.classics
      .filter(({ listeners }) => listeners.some(({ instancePort }) => isUshers(instancePort)))
      .flatMap(classicCheck),
    ...tcpGroups(scene)
      .filter(({ group }) => portsOf(scene, group).some(isUshers))
      .flatMap(({ group }) => groupCheck(scene, group)),
    ...flows
      .filter(({ kind, port }) => kind === 'service' && isUshers(port))
      .flatMap(flow => {
        const service = serviceOf(estate, flow);
        return service === undefined || flow.port === undefined ? [] : serviceCheck(service, flow.port, flow);
      }),
  ];
}

function classicCheck(balancer: ClassicBalancer): HealthCheck[] {
  const { healthCheck, name } = balancer;
  if (healthCheck === undefined) return [];
  const { header, at } = portPolicies(balancer, healthCheck.port);
  return [
    {
      at: healthCheck.at,
      whose: `balancer ${name}`,
      protocol: healthCheck.protocol,
      port: healthCheck.port,
      header: LINES[header],
      headerAt: at,
      remark: '; the command sets interval, timeout and thresholds too, so write yours there',
      change: to => [
        command`aws elb configure-health-check --load-balancer-name ${name} --health-check ${`Target=${classicTarget(to)},Interval=10,Timeout=5,UnhealthyThreshold=2,HealthyThreshold=2`}`,
      ],
    },
  ];
}

function classicTarget({ port, path }: Target): string {
  return path === undefined ? `TCP:${port}` : `HTTP:${port}${path}`;
}

function groupCheck(scene: Scene, group: TargetGroup): HealthCheck[] {
  const { healthCheck, arn, name } = group;
  if (!healthCheck.enabled) return [];
  return checkedPorts(scene, group).map(port => ({
    at: below(healthCheck.at, 'HealthCheckPort'),
    whose: `target group ${name}`,
    protocol: healthCheck.protocol,
    port,
    header: headerTo(group),
    headerAt: attributePlace(group, PROXY_PROTOCOL),
    remark: '',
    change: to => [
      to.path === undefined
        ? command`aws elbv2 modify-target-group --target-group-arn ${arn} --health-check-protocol TCP --health-check-port ${to.port}`
        : command`aws elbv2 modify-target-group --target-group-arn ${arn} --health-check-protocol HTTP --health-check-port ${to.port} --health-check-path ${to.path}`,
    ],
  }));
}

/** A port of an instance is not usher's where containers have a network of their own, so nothing is said of it. */
function checkedPorts(scene: Scene, group: TargetGroup): readonly number[] {
  const { port } = group.healthCheck;
  if (port === 'traffic-port') return portsOf(scene, group);
  return group.targetType === 'instance' && scene.estate.tasks.some(isBridged) ? [] : [port];
}

/** Only where targets are pods: a node's port says nothing of who answers behind it. */
function serviceCheck(
  service: KubernetesService,
  trafficPort: number,
  { header, headerAt }: Pick<HealthCheck, 'header' | 'headerAt'>,
): HealthCheck[] {
  const protocol = annotationOf(service, 'healthcheck-protocol');
  const asked = annotationOf(service, 'healthcheck-port');
  const port = asked === undefined || asked.value === 'traffic-port' ? trafficPort : Number(asked.value);
  if (!targetsPods(service) || protocol === undefined || !Number.isInteger(port)) return [];
  const at = (asked ?? protocol).at;
  return [
    {
      at,
      whose: `Service ${service.name}`,
      protocol: protocol.value.toUpperCase(),
      port,
      header,
      headerAt,
      remark: '',
      change: ({ port, path }) => [
        path === undefined
          ? annotate(service, { 'healthcheck-protocol': 'tcp', 'healthcheck-port': port })
          : annotate(service, { 'healthcheck-protocol': 'http', 'healthcheck-port': port, 'healthcheck-path': path }),
      ],
    },
  ];
}

/** Who answers on a port, as far as usher's configuration tells. */
export function answererOf(settings: Settings, port: number): Answerer {
  const { listeners, admin } = settings;
  const listener = listeners.find(({ listen }) => listen.port === port);
  if (listener !== undefined) return { kind: 'listener', listener };
  if (admin?.listen.port === port) return { kind: 'admin', loopback: isLoopback(admin.listen.host) };
  const endpoint = ownEndpoint(settings, port);
  return endpoint === undefined ? { kind: 'nobody' } : { kind: 'backend', ...endpoint };
}

/** The check that usher is made for, and what else has to change for it. */
export function betterCheck({ settings }: Sidecar): Target & { readonly cure: string } {
  const { admin, listeners } = settings;
  const port = admin?.listen.port ?? listeners[0]?.listen.port ?? 0;
  if (admin === undefined) return { port, path: undefined, cure: `check port ${port} of usher by TCP` };
  const opened = isLoopback(admin.listen.host)
    ? `, and set admin.listen: 0.0.0.0:${port} so that it can be reached`
    : '';
  return { port, path: '/readyz', cure: `check /readyz on usher's admin port ${port}${opened}` };
}
