/** What Kubernetes Services say of the PROXY protocol. */
import { annotate, PREFIX, unannotate } from '../annotate.js';
import { PROXY_PROTOCOL } from '../attributes.js';
import type { KubernetesService } from '../estate.js';
import type { Rule } from '../finding.js';
import { annotationOf, groupAttributes, isNetwork } from '../flows-service.js';
import { isControllers, serviceWords } from './kubernetes-services.js';

const balanced = ({ type }: KubernetesService) => type === 'LoadBalancer';

export const kubernetesProxyProtocolValue: Rule = {
  id: 'kubernetes-proxy-protocol-value',
  severity: 'error',
  title: 'The annotation for the PROXY protocol has another value than *',
  story: `The annotation service.beta.kubernetes.io/aws-load-balancer-proxy-protocol knows one value, "*": the
PROXY protocol on all ports. Neither true nor a list of ports is understood: the cloud provider and
the AWS Load Balancer Controller refuse the Service with an error in its events, and leave the
balancer as it was, or make none.

    kubectl describe service NAME      # shows the events
    kubectl annotate service NAME --overwrite \\
      service.beta.kubernetes.io/aws-load-balancer-proxy-protocol='*'

To turn it off, take the annotation away; false does not do that.`,
  *check({ estate, sidecar }) {
    for (const service of estate.services.filter(balanced)) {
      const given = annotationOf(service, 'proxy-protocol');
      // The cloud provider takes an empty value for none.
      if (given === undefined || given.value === '*' || (given.value === '' && !isControllers(service))) continue;
      const off = given.value === 'false' || given.value === '';
      const first = sidecar?.settings.listeners[0];
      yield {
        rule: 'kubernetes-proxy-protocol-value',
        severity: 'error',
        message: `${serviceWords(service)} has ${PREFIX}proxy-protocol ${JSON.stringify(given.value)}, and only "*" is understood`,
        consequence: 'the Service is refused with an error in its events, and its balancer stays as it was',
        places: [given.at, ...(sidecar && first ? [sidecar.place('listeners', first.name, 'proxyProtocol')] : [])],
        cure: off ? 'take the annotation away, or set it to "*" where usher expects the header' : 'set it to "*"',
        commands: off ? [unannotate(service, 'proxy-protocol')] : [annotate(service, { 'proxy-protocol': '*' })],
      };
    }
  },
};

export const kubernetesHttpProtocol: Rule = {
  id: 'kubernetes-http-protocol',
  severity: 'warning',
  title: 'The Service asks for a Classic Load Balancer that reads HTTP',
  story: `With service.beta.kubernetes.io/aws-load-balancer-backend-protocol: http (or https) the cloud
provider makes HTTP listeners on a Classic Load Balancer. Such a listener adds X-Forwarded-For,
never sends a PROXY header, and does not pass WebSockets on.

usher with proxyProtocol: required refuses what comes from there (header-missing).

Set the annotation to tcp; where the balancer ends TLS (aws-load-balancer-ssl-cert), it does so with
tcp as well. Then turn the PROXY protocol on.`,
  *check({ estate, sidecar }) {
    for (const service of estate.services.filter(balanced)) {
      const given = annotationOf(service, 'backend-protocol');
      if (given === undefined || !/^https?$/i.test(given.value) || isNetwork(service) || isControllers(service))
        continue;
      const ports = service.ports.map(({ port, targetPort = port }) => targetPort);
      const usher = sidecar?.settings.listeners.find(({ listen }) => ports.includes(listen.port));
      if (sidecar !== undefined && usher?.proxyProtocol === 'off') continue;
      yield {
        rule: 'kubernetes-http-protocol',
        severity: 'warning',
        message: `${serviceWords(service)} has ${PREFIX}backend-protocol ${given.value}, so its balancer reads HTTP and sends no PROXY header`,
        consequence: 'usher refuses every connection (header-missing), and WebSockets do not pass the balancer',
        places: [given.at, ...(sidecar && usher ? [sidecar.place('listeners', usher.name, 'proxyProtocol')] : [])],
        cure: 'set the annotation to tcp, and turn the PROXY protocol on',
        commands: [annotate(service, { 'backend-protocol': 'tcp' }), annotate(service, { 'proxy-protocol': '*' })],
      };
    }
  },
};

export const kubernetesConflict: Rule = {
  id: 'kubernetes-conflict',
  severity: 'warning',
  title: 'Two annotations of a Service disagree about the PROXY protocol',
  story: `The AWS Load Balancer Controller takes the PROXY protocol from two annotations: proxy-protocol: "*",
and proxy_protocol_v2.enabled in target-group-attributes. When the first is there it wins, and what
the second says of the PROXY protocol is not looked at.

So a Service with "*" and proxy_protocol_v2.enabled=false sends the header. Whoever reads the second
annotation expects the opposite, and whoever removes the first one turns the header off.

Keep one of them.`,
  *check({ estate, sidecar }) {
    for (const service of estate.services.filter(balanced)) {
      const all = annotationOf(service, 'proxy-protocol');
      const attributes = annotationOf(service, 'target-group-attributes');
      const value = groupAttributes(service).get(PROXY_PROTOCOL);
      if (all?.value !== '*' || attributes === undefined || value !== 'false') continue;
      const first = sidecar?.settings.listeners[0];
      const rest = attributes.value.split(',').filter(pair => pair.split('=')[0]?.trim() !== PROXY_PROTOCOL);
      yield {
        rule: 'kubernetes-conflict',
        severity: 'warning',
        message: `${serviceWords(service)} turns the PROXY protocol on with proxy-protocol "*" and off in target-group-attributes`,
        consequence: '"*" wins: the header is sent, and it goes away with that annotation',
        places: [
          attributes.at,
          all.at,
          ...(sidecar && first ? [sidecar.place('listeners', first.name, 'proxyProtocol')] : []),
        ],
        cure: 'take proxy_protocol_v2.enabled out of target-group-attributes',
        commands: [
          rest.length === 0
            ? unannotate(service, 'target-group-attributes')
            : annotate(service, { 'target-group-attributes': rest.join(',') }),
        ],
      };
    }
  },
};
