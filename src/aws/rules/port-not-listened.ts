/** A balancer that sends to a port where usher doesn't listen. */
import type { ListenerSettings, Settings } from '../../settings.js';
import type { Finding, Rule, Scene } from '../finding.js';
import { isSent } from '../flow.js';
import { otherService } from '../other-service.js';
import { ownEndpoint } from '../own-endpoint.js';
import type { Sidecar } from '../sidecar.js';
import { listed } from '../words.js';
import { type FlowGroup, flowGroups, groupWords, listenersOn, portFlows } from './flow-groups.js';

const NEAREST = 3;
/** More than these are told in one finding. */
const MOST = 4;
const MOST_PLACES = 3;

export const portNotListened: Rule = {
  id: 'port-not-listened',
  severity: 'error',
  title: 'A balancer sends to a port on which usher does not listen',
  story: `The instance port of a Classic Load Balancer, the port of a target and the targetPort of a Service
are all the same thing: the port to which the balancer connects. usher has to listen there.

Where nobody listens, connections are refused by the system. Clients get a closed connection, or 503
from a listener that reads HTTP. Where the health check asks this port too, the balancer counts all
targets as unhealthy. In usher's log there is nothing at all, because nothing arrives.

Usually one of the two was changed and the other was not, or the port is that of the application
from the time before usher. It may also be right: when another program on the same machine listens
there, this balancer has nothing to do with usher, and its files don't belong in the check.
A balancer that sends to usher on another of its ports, and no PROXY header to this one, gets a
warning; so do clients' ports of another service, such as 465 (SMTP) and 3306 (MySQL).

Change listen in usher's configuration, or the port at the balancer. A Classic Load Balancer's
listener is deleted and made anew with another instance port. A target group's port can't be
changed: register the targets with another port, or make another group.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    const { settings } = sidecar;
    const missed = merged(scene).filter(({ first: { port } }) => {
      const isKnown = listenersOn(settings, port).length > 0 || settings.admin?.listen.port === port;
      return !isKnown && ownEndpoint(settings, port) === undefined;
    });
    const [first] = missed;
    const isHit = scene.flows.some(({ port }) => port !== undefined && listenersOn(settings, port).length > 0);
    // None of a whole account: that is one thing that went wrong, not one for each balancer.
    if (first !== undefined && missed.length > MOST && !isHit) yield allFinding(sidecar, missed, first);
    else for (const group of missed) yield finding(scene, sidecar, group);
  },
};

/** By balancer and port, whatever header comes. */
function merged({ flows }: Scene): readonly FlowGroup[] {
  const alike = { header: 'unknown', protocol: 'TCP' } as const;
  return flowGroups(portFlows(flows).map(flow => ({ ...flow, ...alike })));
}

/**
 * Whether the port may well be another program's: clients come to it by the port of another service, or its balancer has a
 * listener of usher's elsewhere, and sends no header that only usher would read.
 */
function mayBeOthers({ flows }: Scene, { settings }: Sidecar, { flows: group, first }: FlowGroup): boolean {
  if (group.every(flow => otherService(flow) !== undefined)) return true;
  const own = flows.filter(({ kind, balancer }) => kind === first.kind && balancer === first.balancer);
  const sends = own.some(({ port, header }) => port === first.port && isSent(header));
  return !sends && own.some(({ port }) => port !== undefined && listenersOn(settings, port).length > 0);
}

function finding(scene: Scene, sidecar: Sidecar, group: FlowGroup): Finding {
  const { port, at } = group.first;
  const near = nearest(sidecar.settings, port);
  const others = mayBeOthers(scene, sidecar, group);
  return {
    rule: 'port-not-listened',
    severity: others ? 'warning' : 'error',
    message: `${groupWords(group)} sends to port ${port}, and usher listens on ${portsWords(near)}`,
    consequence: others
      ? 'unless another program listens there, connections are refused'
      : 'connections are refused there, and a health check of this port counts all targets as unhealthy',
    places: [at, ...near.slice(0, 1).map(({ name }) => sidecar.place('listeners', name, 'listen'))],
    cure: `let the balancer send to a port of usher's, or give usher a listener on ${port}`,
    commands: [],
  };
}

function allFinding(sidecar: Sidecar, missed: readonly FlowGroup[], { first }: FlowGroup): Finding {
  const near = nearest(sidecar.settings, first.port);
  const words = missed.map(({ first: { balancer, port } }) => `${balancer} (${port})`);
  return {
    rule: 'port-not-listened',
    severity: 'error',
    message: `no balancer in these files sends to a port on which usher listens, ${portsWords(near)}: ${listed([...new Set(words)])}`,
    consequence: 'no client comes to usher through them',
    places: [
      first.at,
      ...missed.slice(1, MOST_PLACES).map(one => one.first.at),
      ...near.slice(0, 1).map(({ name }) => sidecar.place('listeners', name, 'listen')),
    ],
    cure: "give the files of usher's own balancer only; if it is one of these, let it send to a port of usher's",
    commands: [],
  };
}

function portsWords(listeners: readonly ListenerSettings[]): string {
  return listed(listeners.map(({ name, listen }) => `${listen.port} (${name})`));
}

function nearest({ listeners }: Settings, port: number) {
  const distance = (other: number) => Math.abs(other - port);
  return [...listeners].sort((a, b) => distance(a.listen.port) - distance(b.listen.port)).slice(0, NEAREST);
}
