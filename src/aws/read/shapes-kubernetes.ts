/** Services of Kubernetes, as `kubectl get svc -o json` prints them or a manifest has them. */
import { z } from 'zod';
import type { Given, KubernetesService, ServicePort } from '../estate.js';
import { below, type DocumentPlace, jsonPath } from '../place.js';
import type { Elements } from './elements.js';
import { attributeValue, list, maybe, name, object, port, portOrZero, text } from './fields.js';
import { described, quoted } from './shown.js';

const service = object({
  metadata: object({ name: name, namespace: maybe(name), annotations: maybe(z.unknown()) }),
  spec: object({ type: maybe(text), loadBalancerClass: maybe(text), ports: list, externalTrafficPolicy: maybe(text) }),
});
const servicePort = object({
  name: maybe(text),
  port,
  targetPort: maybe(z.union([portOrZero, text], 'a port number or the name of a port')),
  nodePort: maybe(portOrZero),
  protocol: maybe(text),
});

/** A Service with its annotations; undefined: it has not the shape of one, which is told. */
export function readService(elements: Elements, value: unknown, at: DocumentPlace): KubernetesService | undefined {
  const given = elements.read(service, value, at);
  if (given === undefined) return undefined;
  const { metadata, spec } = given;
  const policy = spec.externalTrafficPolicy;
  return {
    at,
    name: metadata.name,
    namespace: metadata.namespace,
    type: spec.type,
    loadBalancerClass: spec.loadBalancerClass,
    annotations: readAnnotations(elements, metadata.annotations, below(at, 'metadata', 'annotations')),
    ports: readPorts(elements, spec.ports, below(at, 'spec', 'ports')),
    externalTrafficPolicy:
      policy === undefined ? undefined : { at: below(at, 'spec', 'externalTrafficPolicy'), value: policy },
  };
}

/** Kubernetes allows 253 characters before the slash and 63 behind it: a longer one is none of the balancer's. */
const LONGEST_KEY = 317;

function readAnnotations(elements: Elements, value: unknown, at: DocumentPlace): Map<string, Given<string>> {
  const annotations = new Map<string, Given<string>>();
  if (value === undefined) return annotations;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    elements.tell(at, `${jsonPath(at.steps)} should be an object, not ${described(value)}`);
    return annotations;
  }
  for (const [key, given] of Object.entries(value)) {
    if (key.length > LONGEST_KEY) continue;
    const { data } = attributeValue.safeParse(given);
    if (data !== undefined) annotations.set(key, { at: below(at, key), value: data });
    else elements.tell(below(at, key), `the annotation ${quoted(key)} should be a string, not ${described(given)}`);
  }
  return annotations;
}

/** A port is TCP unless it says otherwise. */
function readPorts(elements: Elements, value: unknown, at: DocumentPlace): ServicePort[] {
  return elements.each(servicePort, value, at, (given, at) => ({
    at,
    name: given.name,
    port: given.port,
    // 0 is what Go writes where nothing was given.
    targetPort: given.targetPort === 0 ? undefined : given.targetPort,
    nodePort: given.nodePort === 0 ? undefined : given.nodePort,
    protocol: given.protocol ?? 'TCP',
  }));
}
