/** Annotations of Kubernetes Services about their balancer, as rules speak of them. */
import type { KubernetesService } from '../estate.js';
import { annotationOf, isNetwork } from '../flows-service.js';
import { command } from '../shell.js';

export const PREFIX = 'service.beta.kubernetes.io/aws-load-balancer-';

/** `chat/web` of a Service in a namespace. */
export function serviceWords({ name, namespace }: KubernetesService): string {
  return `Service ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

/** Sets an annotation about the balancer. */
export function annotate(service: KubernetesService, end: string, value: string): string {
  return `${start(service)} --overwrite ${PREFIX}${end}=${command`${value}`}`;
}

/** Takes an annotation about the balancer away. */
export function unannotate(service: KubernetesService, end: string): string {
  return `${start(service)} ${PREFIX}${end}-`;
}

function start({ name, namespace }: KubernetesService): string {
  const whose = command`kubectl annotate service ${name}`;
  return namespace === undefined ? whose : `${whose} ${command`--namespace ${namespace}`}`;
}

/** Whether the AWS Load Balancer Controller makes the balancer, as far as one can see. */
export function isControllers(service: KubernetesService): boolean {
  const type = annotationOf(service, 'type')?.value;
  return service.loadBalancerClass !== undefined || type === 'external' || type === 'nlb-ip' || hasTargetType(service);
}

function hasTargetType(service: KubernetesService): boolean {
  return annotationOf(service, 'nlb-target-type') !== undefined;
}

/** Whether the balancer's targets are nodes, which pass connections on to pods. */
export function targetsNodes(service: KubernetesService): boolean {
  if (!isNetwork(service)) return service.loadBalancerClass === undefined;
  if (annotationOf(service, 'type')?.value === 'nlb-ip') return false;
  return annotationOf(service, 'nlb-target-type')?.value !== 'ip';
}
