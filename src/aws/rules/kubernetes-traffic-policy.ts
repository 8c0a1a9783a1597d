/** Who the peer is behind a Service whose targets are nodes. */

import type { Rule, Scene } from '../finding.js';
import type { Flow } from '../flow.js';
import { annotationOf } from '../flows-service.js';
import { indexed } from '../indexed.js';
import { serviceWords, targetsNodes } from './kubernetes-services.js';

export const kubernetesTrafficPolicy: Rule = {
  id: 'kubernetes-traffic-policy',
  severity: 'note',
  title: 'Connections come to usher from nodes of the cluster, not from the balancer',
  story: `A balancer whose targets are nodes sends a connection to the node port of any node. With
externalTrafficPolicy: Cluster (the default) the node may pass it on to a pod on another node, and
puts its own address in place of the peer's. The PROXY header comes through unchanged, so usher
learns the client; but the peer, by which trustedSources decides, is a node.

So trustedSources must hold the subnets of the nodes. These are also the addresses of everything
else on the nodes that reaches the pod.

With externalTrafficPolicy: Local only nodes with a pod take connections, and the peer stays what
the balancer shows. With the AWS Load Balancer Controller and nlb-target-type: ip nodes play no
part.`,
  *check(scene) {
    for (const service of scene.estate.services) {
      const flow = service.ports
        .flatMap(({ at }) => flowsByPlace(scene.flows, at))
        .find(({ header }) => header !== 'none');
      if (service.type !== 'LoadBalancer' || flow === undefined || !targetsNodes(service)) continue;
      const policy = service.externalTrafficPolicy;
      if ((policy !== undefined && policy.value !== 'Cluster') || trustsAll(scene, flow.port)) continue;
      const usher = scene.sidecar?.settings.listeners.find(({ listen }) => listen.port === flow.port);
      const place = scene.sidecar && usher && scene.sidecar.place('listeners', usher.name, 'trustedSources');
      yield {
        rule: 'kubernetes-traffic-policy',
        severity: 'note',
        message: `${serviceWords(service)} sends connections over nodes (externalTrafficPolicy: Cluster), so usher's peers are nodes`,
        consequence:
          'with trustedSources that hold the subnets of the balancer only, connections are refused (source-untrusted)',
        places: [policy?.at ?? annotationOf(service, 'nlb-target-type')?.at ?? service.at, ...(place ? [place] : [])],
        cure: 'write the subnets of the nodes into trustedSources, or set externalTrafficPolicy: Local or nlb-target-type: ip',
        commands: [],
      };
    }
  },
};

const flowsByPlace = indexed(({ at }: Flow) => [at]);

/** Whether there is no trustedSources that could be wrong. */
function trustsAll({ sidecar }: Scene, port: number | undefined): boolean {
  if (sidecar === undefined) return false;
  const usher = sidecar.settings.listeners.find(({ listen }) => listen.port === port);
  return usher?.trustedSources === undefined;
}
