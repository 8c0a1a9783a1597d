/** Annotations for the PROXY header on a Service whose balancer they do not reach. */
import { PREFIX } from '../annotate.js';
import { PROXY_PROTOCOL } from '../attributes.js';
import type { KubernetesService } from '../estate.js';
import type { Rule } from '../finding.js';
import { annotationOf, byHand, groupAttributes, ignoresHeader } from '../flows-service.js';
import { serviceWords } from './kubernetes-services.js';

export const kubernetesHeaderIgnored: Rule = {
  id: 'kubernetes-header-ignored',
  severity: 'warning',
  title: 'The Service asks for a PROXY header that the cloud provider does not turn on at a Network Load Balancer',
  story: `Two programs make balancers for Services. The cloud provider, a part of the cluster, makes one where
nothing is said, and a Network Load Balancer with aws-load-balancer-type: nlb. The AWS Load Balancer
Controller, which is installed beside it, takes the Services with aws-load-balancer-type: external
(or nlb-ip) or with a loadBalancerClass.

The annotation aws-load-balancer-proxy-protocol: "*" is understood by both, but the cloud provider
turns the header on at Classic Load Balancers only. With type: nlb it makes target groups on which
proxy_protocol_v2.enabled stays false, without an event and without an error. The rest of the
annotations looks right, and usher refuses every connection with header-missing.

    https://github.com/kubernetes/cloud-provider-aws/issues/234
    https://github.com/kubernetes/kubernetes/issues/101608

Newer versions of either may do more; look at the target group:

    aws elbv2 describe-target-group-attributes --target-group-arn ARN

The controller does what the annotation says. Its webhook gives new Services a loadBalancerClass,
and where kubectl get service shows one, there is nothing to do. Do not change the type of a Service
that has a balancer already: make another Service with loadBalancerClass: service.k8s.aws/nlb, and
move the clients. Or set the attribute at each of the target groups by hand; a new target group, for
a new port say, begins without it.`,
  *check({ estate, sidecar }) {
    for (const service of estate.services) {
      const asked = askedAt(service);
      if (service.type !== 'LoadBalancer' || !ignoresHeader(service) || asked === undefined) continue;
      const ports = service.ports.map(({ port, targetPort = port }) => targetPort);
      const usher = sidecar?.settings.listeners.find(({ listen }) => ports.includes(listen.port));
      yield {
        rule: 'kubernetes-header-ignored',
        severity: 'warning',
        message: `${serviceWords(service)} asks for the PROXY header with ${PREFIX}type nlb and no loadBalancerClass`,
        consequence:
          'the cloud provider leaves the header off at a Network Load Balancer, and usher refuses every connection (header-missing)',
        places: [asked, ...(sidecar && usher ? [sidecar.place('listeners', usher.name, 'proxyProtocol')] : [])],
        cure: 'make another Service with loadBalancerClass: service.k8s.aws/nlb for the AWS Load Balancer Controller, or set the attribute at each target group by hand',
        commands: [byHand('true')],
      };
    }
  },
};

/** Where the header is asked for. */
function askedAt(service: KubernetesService) {
  const all = annotationOf(service, 'proxy-protocol');
  if (all?.value === '*') return all.at;
  const isOn = groupAttributes(service).get(PROXY_PROTOCOL) === 'true';
  return isOn ? annotationOf(service, 'target-group-attributes')?.at : undefined;
}
