/** Services whose balancer shows usher the clients themselves as peers. */
import type { ListenerSettings } from '../../settings.js';
import { annotate } from '../annotate.js';
import type { KubernetesService } from '../estate.js';
import type { Scene } from '../finding.js';
import { annotationOf, groupAttributes, isNetwork } from '../flows-service.js';
import type { DocumentPlace } from '../place.js';
import { isControllers, targetsNodes } from './kubernetes-services.js';

const ATTRIBUTES = 'target-group-attributes';
const PRESERVE = 'preserve_client_ip.enabled';

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
  return isNetwork(service) && isPublic(service) && preserves(service);
}

/** The controller makes internal balancers where nothing is said, the cloud provider public ones. */
function isPublic(service: KubernetesService): boolean {
  const scheme = annotationOf(service, 'scheme')?.value;
  if (scheme !== undefined) return scheme === 'internet-facing';
  return !isControllers(service) && annotationOf(service, 'internal') === undefined;
}

/** Nodes keep the client's address by default, unless one passes a connection on to another; pods have to be asked to. */
function preserves(service: KubernetesService): boolean {
  const said = groupAttributes(service).get(PRESERVE);
  if (!targetsNodes(service)) return said === 'true';
  return said !== 'false' && service.externalTrafficPolicy?.value === 'Local';
}

function placeOf(service: KubernetesService): DocumentPlace {
  return annotationOf(service, ATTRIBUTES)?.at ?? service.externalTrafficPolicy?.at ?? service.at;
}

function turnOff(service: KubernetesService): string {
  const all = new Map([...groupAttributes(service)].filter(([key]) => key !== '')).set(PRESERVE, 'false');
  return annotate(service, { [ATTRIBUTES]: [...all].map(([key, value]) => `${key}=${value}`).join(',') });
}
