/** Services whose balancer shows usher the clients themselves as peers. */
import type { ListenerSettings } from '../../settings.js';
import { annotate } from '../annotate.js';
import { PRESERVE_CLIENT_IP } from '../attributes.js';
import type { KubernetesService } from '../estate.js';
import type { Scene } from '../finding.js';
import { annotationOf, groupAttributes, isNetwork } from '../flows-service.js';
import { serviceKeepsClients } from '../peers.js';
import type { DocumentPlace } from '../place.js';
import { isControllers } from './kubernetes-services.js';

const ATTRIBUTES = 'target-group-attributes';

export interface OpenService {
  readonly service: KubernetesService;
  readonly usher: ListenerSettings;
  /** What says so. */
  readonly at: DocumentPlace;
  /** The command that lets nodes of the balancer be the peers. */
  readonly off: string;
}

/** Where a header comes to a listener of usher's, in connections whose peer is a client anywhere on the internet. */
export function openServices({ estate, flows, sidecar }: Scene): readonly OpenService[] {
  if (sidecar === undefined) return [];
  return estate.services.filter(isOpen).flatMap(service => {
    const own = flows.filter(({ kind, at, header }) => {
      return kind === 'service' && header === 'v2' && service.ports.some(port => port.at === at);
    });
    const ports = own.map(({ port }) => port);
    return sidecar.settings.listeners
      .filter(({ listen, proxyProtocol }) => proxyProtocol !== 'off' && ports.includes(listen.port))
      .map(usher => ({ service, usher, at: placeOf(service), off: turnOff(service) }));
  });
}

function isOpen(service: KubernetesService): boolean {
  return isNetwork(service) && isPublic(service) && serviceKeepsClients(service) !== false;
}

/** The controller makes internal balancers where nothing is said, the cloud provider public ones. */
function isPublic(service: KubernetesService): boolean {
  const scheme = annotationOf(service, 'scheme')?.value;
  if (scheme !== undefined) return scheme === 'internet-facing';
  return !isControllers(service) && annotationOf(service, 'internal') === undefined;
}

function placeOf(service: KubernetesService): DocumentPlace {
  return annotationOf(service, ATTRIBUTES)?.at ?? service.externalTrafficPolicy?.at ?? service.at;
}

function turnOff(service: KubernetesService): string {
  const all = new Map([...groupAttributes(service)].filter(([key]) => key !== '')).set(PRESERVE_CLIENT_IP, 'false');
  return annotate(service, { [ATTRIBUTES]: [...all].map(([key, value]) => `${key}=${value}`).join(',') });
}
