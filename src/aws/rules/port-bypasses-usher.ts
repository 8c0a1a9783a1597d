/** A balancer that sends past usher. */
import { setPolicies } from '../classic-commands.js';
import { portPolicies } from '../classic-policies.js';
import type { Finding, Rule, Scene } from '../finding.js';
import { isSent } from '../flow.js';
import { endpointPlace, type OwnEndpoint, ownEndpoint } from '../own-endpoint.js';
import type { Sidecar } from '../sidecar.js';
import { replaceListener, replaceNote } from './clb-commands.js';
import { classicOf, listenersOn, type PortFlow, portFlows } from './flow-groups.js';

export const portBypassesUsher: Rule = {
  id: 'port-bypasses-usher',
  severity: 'error',
  title: 'A balancer sends to the port of the application, past usher',
  story: `usher stands between the balancer and the application: the balancer connects to usher's port, and
usher connects to the application's, on the same machine.

Here the balancer's port is that of an endpoint of usher's backends. Its connections go past
usher:

    balancer ─────────────────► port 3000, the application
                usher (8080) ──► port 3000

If the balancer sends a PROXY header, the application gets bytes in front of each request that it
does not understand, and answers 400. If it sends none, the application takes the balancer for the
client. In both cases nothing of what usher does takes place: no limits, no affinity, no drain, no
refusal of forged addresses, no counters. Where the application listens on 127.0.0.1 only, as it
should, the connections are refused and the targets are unhealthy.

A balancer from the time before usher looks like this. Point it to usher's port. A Classic Load
Balancer's listener is deleted and made anew with another instance port. A target group's port
can't be changed: register the targets with usher's port, or make another group. On ECS it is
containerName and containerPort of the service, which must be usher's.`,
  *check(scene) {
    const { sidecar, flows } = scene;
    if (sidecar === undefined) return;
    for (const flow of portFlows(flows)) {
      if (listenersOn(sidecar.settings, flow.port).length > 0) continue;
      const endpoint = ownEndpoint(sidecar.settings, flow.port);
      if (endpoint !== undefined) yield finding(scene, sidecar, flow, endpoint);
    }
  },
};

function finding(scene: Scene, sidecar: Sidecar, flow: PortFlow, endpoint: OwnEndpoint): Finding {
  const { backend } = endpoint;
  const { balancer, port, header, at } = flow;
  const to = sidecar.settings.listeners.filter(({ routes }) => routes.some(route => route.backend === backend.name));
  const [only] = to.length === 1 ? to : [];
  const sent = isSent(header)
    ? 'the application gets a PROXY header in front of every request and answers 400'
    : 'the application does not know its clients, or, on loopback only, cannot be reached';
  return {
    rule: 'port-bypasses-usher',
    severity: 'error',
    message: `${balancer} sends to port ${port}, which is an endpoint of usher's backend ${backend.name} on this machine`,
    consequence: `connections go past usher: ${sent}`,
    places: [at, endpointPlace(sidecar, endpoint)],
    cure: `let the balancer send to usher's port ${to.map(({ name, listen }) => `${listen.port} (${name})`).join(' or ')}${note(scene, flow)}`,
    commands: only === undefined ? [] : repoint(scene, flow, only.listen.port),
  };
}

function note({ estate }: Scene, flow: PortFlow): string {
  const found = classicOf(estate, flow);
  return found === undefined ? '' : replaceNote([found.listener]);
}

/** The policies of the old port go along, unless the new one has some. */
function repoint({ estate }: Scene, flow: PortFlow, instancePort: number): readonly string[] {
  const found = classicOf(estate, flow);
  if (found === undefined) return [];
  const { balancer, listener } = found;
  const { names } = portPolicies(balancer, flow.port);
  const free = portPolicies(balancer, instancePort).names.length === 0;
  return [
    ...replaceListener(balancer, listener, { instancePort, protocols: 'same' }),
    ...(names.length > 0 && free ? [setPolicies(balancer.name, instancePort, names)] : []),
  ];
}
