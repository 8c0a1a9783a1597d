/** A balancer that sends to a port where usher doesn't listen. */
import type { Settings } from '../../settings.js';
import type { Finding, Rule, Scene } from '../finding.js';
import type { Sidecar } from '../sidecar.js';
import { bypassed } from './ports-bypass-usher.js';
import { type FlowGroup, flowGroups, groupWords, listenersOn, portFlows } from './ports-listeners.js';
import { listed } from './words.js';

const NEAREST = 3;

export const portNotListened: Rule = {
  id: 'port-not-listened',
  severity: 'error',
  title: 'A balancer sends to a port on which usher does not listen',
  story: `The instance port of a Classic Load Balancer, the port of a target and the targetPort of a Service
are all the same thing: the port to which the balancer connects. usher has to listen there.

Where nobody listens, connections are refused by the system. Health checks on the port fail, the
balancer takes all targets for unhealthy, and clients get a closed connection or 503. In usher's
log there is nothing at all, because nothing arrives.

Usually one of the two was changed and the other was not, or the port is that of the application
from the time before usher. It may also be right: when another program on the same machine listens
there, this balancer has nothing to do with usher, and its files don't belong into the check.

Change listen in usher's configuration, or the port at the balancer. A Classic Load Balancer's
listener is deleted and made anew with another instance port. A target group's port can't be
changed: register the targets with another port, or make another group.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    for (const group of merged(scene)) {
      const { port } = group.first;
      const { settings } = sidecar;
      if (listenersOn(settings, port).length > 0 || settings.admin?.listen.port === port) continue;
      if (bypassed(settings, port) === undefined) yield finding(sidecar, group);
    }
  },
};

/** By balancer and port, whatever header comes. */
function merged({ flows }: Scene): readonly FlowGroup[] {
  const alike = { header: 'unknown', protocol: 'TCP' } as const;
  return flowGroups(portFlows(flows).map(flow => ({ ...flow, ...alike })));
}

function finding(sidecar: Sidecar, group: FlowGroup): Finding {
  const { port, at } = group.first;
  const near = nearest(sidecar.settings, port);
  return {
    rule: 'port-not-listened',
    severity: 'error',
    message: `${groupWords(group)} sends to port ${port}, and usher listens on ${listed(near.map(({ name, listen }) => `${listen.port} (${name})`))}`,
    consequence: 'connections are refused there, and the balancer takes all targets for unhealthy',
    places: [at, ...near.slice(0, 1).map(({ name }) => sidecar.place('listeners', name, 'listen'))],
    cure: `let the balancer send to a port of usher's, or give usher a listener on ${port}`,
    commands: [],
  };
}

function nearest({ listeners }: Settings, port: number) {
  const distance = (other: number) => Math.abs(other - port);
  return [...listeners].sort((a, b) => distance(a.listen.port) - distance(b.listen.port)).slice(0, NEAREST);
}
