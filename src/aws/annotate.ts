/** Commands of kubectl that change what a Service says of its balancer. */
import type { KubernetesService } from './estate.js';
import { command } from './shell.js';

/** In front of every annotation that is about the balancer. */
export const PREFIX = 'service.beta.kubernetes.io/aws-load-balancer-';

/** Sets annotations; each by the end of its name, `proxy-protocol`. */
export function annotate(service: KubernetesService, values: Readonly<Record<string, string | number>>): string {
  const settings = Object.entries(values).map(([end, value]) => `${PREFIX}${end}=${command`${value}`}`);
  return `${start(service)} --overwrite ${settings.join(' ')}`;
}

/** Takes an annotation away. */
export function unannotate(service: KubernetesService, end: string): string {
  return `${start(service)} ${PREFIX}${end}-`;
}

function start({ name, namespace }: KubernetesService): string {
  const whose = command`kubectl annotate service ${name}`;
  return namespace === undefined ? whose : `${whose} ${command`--namespace ${namespace}`}`;
}
