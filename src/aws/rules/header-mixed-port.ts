/** Connections with different headers, or with and without, at one port. */
import type { Finding, Rule, Scene } from '../finding.js';
import { type FlowGroup, flowGroups, groupWords, listenersOn } from './flow-groups.js';
import { isTogether, sendersMet } from './meeting-flows.js';

export const headerMixedPort: Rule = {
  id: 'header-mixed-port',
  severity: 'error',
  title: "One of usher's ports gets connections with a PROXY header and connections without one",
  story: `Two ways lead to one of usher's ports, and they say different things: a target group with
proxy_protocol_v2.enabled and one without, a Classic Load Balancer with its policy and another
balancer without, two Services for the same pods.

    balancer a ── PROXY header ──┐
                                 ├──► port 8080 ──► usher
    balancer b ── no header ─────┘

With proxyProtocol: required usher refuses what comes without a header. With off it answers 400
where one comes. With optional both pass, and that is right for the hours of a cut-over. As a
state it hides which clients are known.

It is not safe either. A balancer that sends no header relays what the client writes, and the
client may write a PROXY header of its own. It arrives from the balancer's address, which is a
trusted source, and so usher believes it, with required as with optional.

Two that send different versions (v1 by a Classic Load Balancer, v2 by a Network Load Balancer) do
no harm: usher reads both, and this rule says nothing of them.

Files tell the port of a target, and only describe-target-health tells which targets there are. So
without it two balancers of different teams that use the same number look like this too, and it is a
warning. It is an error where both have a target in common or are of one balancer.

Often the second way is forgotten: the old balancer after a move to a new one, a target group of a
test. Take it away, turn the header on there as well, or give it a port of usher's own.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    const groups = flowGroups(scene.flows).filter(({ first }) => listenersOn(sidecar.settings, first.port).length > 0);
    for (const other of groups.filter(({ first }) => first.header === 'none')) {
      const senders = sendersMet(scene, other);
      // One is enough, and one of the same machines says more than one that may be of others.
      const sender = senders.find(one => isTogether(scene.estate, one, other)) ?? senders[0];
      if (sender !== undefined) yield finding(scene, sender, other);
    }
  },
};

const CONSEQUENCE =
  'usher refuses one of the two (required: those without a header; off: those with one) or, with optional, takes clients for the balancer, and a client that writes a header itself is believed';

function finding({ sidecar, estate }: Scene, sender: FlowGroup, other: FlowGroup): Finding {
  const { port, header, headerAt } = sender.first;
  const turnOn = other.first.turnOn;
  const together = isTogether(estate, sender, other);
  const whose = together
    ? ''
    : 'see whether these are the same machines (if not, leave the files of the one out that is not in front of usher); if so, ';
  const names = sidecar === undefined ? [] : listenersOn(sidecar.settings, port).map(({ name }) => name);
  return {
    rule: 'header-mixed-port',
    severity: together ? 'error' : 'warning',
    message: `${groupWords(sender)} sends a PROXY ${header} header to port ${port}, and ${groupWords(other)} sends none to the same port`,
    consequence: `${together ? '' : 'if they lead to the same machines, '}${CONSEQUENCE}`,
    places: [
      other.first.headerAt,
      headerAt,
      ...names.flatMap(name => (sidecar === undefined ? [] : [sidecar.place('listeners', name)])),
    ],
    cure:
      turnOn.length > 0
        ? `${whose}turn the header on for ${groupWords(other)} too, or send it to another port of usher's`
        : `${whose}send ${groupWords(other)}, which can't send a header, to another port of usher's`,
    commands: turnOn,
  };
}
