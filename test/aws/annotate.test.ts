import t from 'tap';
import { annotate, unannotate } from '../../src/aws/annotate.js';
import type { KubernetesService } from '../../src/aws/estate.js';

const PREFIX = 'service.beta.kubernetes.io/aws-load-balancer-';

const service = (name: string, namespace?: string): KubernetesService => ({
  at: { kind: 'document', file: 'service.json', document: 0, steps: [] },
  name,
  namespace,
  type: 'LoadBalancer',
  loadBalancerClass: undefined,
  annotations: new Map(),
  ports: [],
  externalTrafficPolicy: undefined,
});

t.test('annotations are set and taken away, each value quoted where a shell would read more into it', async t => {
  t.equal(
    annotate(service('chat', 'prod'), { 'proxy-protocol': '*', 'healthcheck-port': 9180 }),
    `kubectl annotate service chat --namespace prod --overwrite ${PREFIX}proxy-protocol='*' ${PREFIX}healthcheck-port=9180`,
  );
  t.equal(unannotate(service('chat'), 'proxy-protocol'), `kubectl annotate service chat ${PREFIX}proxy-protocol-`);
  t.equal(
    annotate(service('a; reboot'), { 'healthcheck-path': '/$(reboot)' }),
    `kubectl annotate service 'a; reboot' --overwrite ${PREFIX}healthcheck-path='/$(reboot)'`,
  );
});
