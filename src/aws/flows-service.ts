/** The flows of Kubernetes Services of type LoadBalancer; the cloud provider makes a Classic Load Balancer of one unless it is told otherwise. */
import { annotate, PREFIX, unannotate } from './annotate.js';
import { PROXY_PROTOCOL } from './attributes.js';
import type { KubernetesService, ServicePort } from './estate.js';
import { type Flow, isHttp, type SentHeader } from './flow.js';

const NETWORK_TYPES: ReadonlySet<string> = new Set(['nlb', 'nlb-ip', 'external']);

/** Of each port of each Service of type LoadBalancer. */
export function serviceFlows(services: readonly KubernetesService[]): Flow[] {
  return services
    .filter(({ type }) => type === 'LoadBalancer')
    .flatMap(service => service.ports.map(port => flowOf(service, port)));
}

function flowOf(service: KubernetesService, port: ServicePort): Flow {
  const { targetPort } = port;
  const back = backProtocol(service, port);
  const http = isHttp(back);
  return {
    kind: 'service',
    at: port.at,
    balancer: service.name,
    frontPort: port.port,
    frontProtocol: frontProtocol(service, port, back),
    protocol: back,
    port: targetPort === undefined ? port.port : typeof targetPort === 'number' ? targetPort : undefined,
    header: http || port.protocol !== 'TCP' ? 'none' : sentTo(service, port),
    headerAt:
      (annotationOf(service, 'proxy-protocol') ?? annotationOf(service, 'target-group-attributes'))?.at ?? service.at,
    turnOn: http ? [] : ignoresHeader(service) ? [byHand('true')] : [annotate(service, { 'proxy-protocol': '*' })],
    turnOff: ignoresHeader(service) ? [byHand('false')] : turnOff(service),
    targetGroupArn: undefined,
  };
}

/** An annotation about the balancer by the end of its name, `proxy-protocol`. */
export function annotationOf({ annotations }: KubernetesService, name: string) {
  return annotations.get(`${PREFIX}${name}`);
}

/** Whether the Service gets a Network Load Balancer. */
export function isNetwork(service: KubernetesService): boolean {
  if (service.loadBalancerClass !== undefined) return service.loadBalancerClass.includes('nlb');
  return NETWORK_TYPES.has(annotationOf(service, 'type')?.value ?? '');
}

/**
 * Whether the annotations for the PROXY header have no effect: `type: nlb` is for the cloud provider, which turns it on at
 * Classic Load Balancers only (kubernetes/cloud-provider-aws issue 234). The AWS Load Balancer Controller takes a Service by
 * `external`, `nlb-ip` or a class.
 */
export function ignoresHeader(service: KubernetesService): boolean {
  return service.loadBalancerClass === undefined && annotationOf(service, 'type')?.value === 'nlb';
}

/** Sets the attribute at the target group itself, whose ARN no Service tells. */
export function byHand(value: 'true' | 'false'): string {
  return `aws elbv2 modify-target-group-attributes --target-group-arn "\${TARGET_GROUP_ARN:?of the Service}" --attributes Key=proxy_protocol_v2.enabled,Value=${value}`;
}

/** `k1=v1,k2=v2` of the annotation `target-group-attributes`. */
export function groupAttributes(service: KubernetesService): ReadonlyMap<string, string> {
  const text = annotationOf(service, 'target-group-attributes')?.value ?? '';
  const pairs = text.split(',').map(pair => pair.split('='));
  return new Map(pairs.map(([key = '', value = '']) => [key.trim(), value.trim()]));
}

function sentTo(service: KubernetesService, { port, name }: ServicePort): SentHeader {
  const everywhere = annotationOf(service, 'proxy-protocol')?.value === '*';
  if (!isNetwork(service)) return everywhere ? 'v1' : 'none';
  const some = listed(annotationOf(service, 'proxy-protocol-per-target-group')?.value);
  const asked = everywhere || some.has(`${port}`) || (name !== undefined && some.has(name));
  const sends = asked || groupAttributes(service).get(PROXY_PROTOCOL) === 'true';
  // Somebody may have turned it on by hand.
  return ignoresHeader(service) ? 'unknown' : sends ? 'v2' : 'none';
}

/** Takes away what turns the header on; where nothing does, what would. */
function turnOff(service: KubernetesService): string[] {
  const ends = ['proxy-protocol', 'proxy-protocol-per-target-group'].filter(
    end => annotationOf(service, end) !== undefined,
  );
  const attributes = [...groupAttributes(service)].map(([key, value]) => [
    key,
    key === PROXY_PROTOCOL ? 'false' : value,
  ]);
  const commands = ends.map(end => unannotate(service, end));
  if (groupAttributes(service).get(PROXY_PROTOCOL) === 'true') {
    commands.push(annotate(service, { 'target-group-attributes': attributes.map(pair => pair.join('=')).join(',') }));
  }
  return commands.length > 0 ? commands : [unannotate(service, 'proxy-protocol')];
}

function listed(text = ''): ReadonlySet<string> {
  return new Set(text.split(',').map(item => item.trim()));
}

function backProtocol(service: KubernetesService, { protocol }: ServicePort): string {
  const asked = annotationOf(service, 'backend-protocol')?.value.toUpperCase();
  return protocol !== 'TCP' || isNetwork(service) ? protocol : (asked ?? 'TCP');
}

/** Clients speak TLS to it where there is a certificate, and where the ports are not restricted to others. */
function frontProtocol(service: KubernetesService, { port, name, protocol }: ServicePort, back: string): string {
  const plain = back === 'HTTPS' ? 'HTTP' : back === 'SSL' ? 'TCP' : back;
  if (protocol !== 'TCP' || annotationOf(service, 'ssl-cert') === undefined) return plain;
  const ports = listed(annotationOf(service, 'ssl-ports')?.value ?? '*');
  const secure = ports.has('*') || ports.has(`${port}`) || (name !== undefined && ports.has(name));
  if (!secure) return plain;
  return isNetwork(service) ? 'TLS' : plain === 'HTTP' ? 'HTTPS' : 'SSL';
}
