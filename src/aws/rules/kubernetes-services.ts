/** Annotations of Kubernetes Services about their balancer, as rules speak of them. */
import type { KubernetesService } from '../estate.js';
import { annotationOf, isNetwork } from '../flows-service.js';
import { targetsPods } from '../peers.js';

/** `Service prod/chat`, in a namespace. */
export function serviceWords({ name, namespace }: KubernetesService): string {
  return `Service ${namespace === undefined ? name : `${namespace}/${name}`}`;
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
  return !targetsPods(service);
}
