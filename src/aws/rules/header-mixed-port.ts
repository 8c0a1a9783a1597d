/** Connections with different headers, or with and without, at one port. */
import type { Estate } from '../estate.js';
import type { Finding, Rule, Scene } from '../finding.js';
import type { SentHeader } from '../flows.js';
import { type FlowGroup, flowGroups, groupWords, listenersOn, sameInstancePort } from './ports-listeners.js';

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

That the two send different versions (v1 by a Classic Load Balancer, v2 by a Network Load
Balancer) is no harm to usher, which reads both; it is not told here.

Often the second way is forgotten: the old balancer after a move to a new one, a target group of a
test. Take it away, turn the header on there as well, or give it a port of usher's own.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    const groups = flowGroups(scene.flows).filter(({ first }) => listenersOn(sidecar.settings, first.port).length > 0);
    const without = groups.filter(({ first }) => first.header === 'none');
    for (const sender of groups.filter(({ first }) => isSent(first.header))) {
      for (const other of without) if (meet(scene.estate, sender, other)) yield finding(scene, sender, other);
    }
  },
};

function isSent(header: SentHeader): boolean {
  return header === 'v1' || header === 'v2';
}

function meet(estate: Estate, { first: a }: FlowGroup, { first: b }: FlowGroup): boolean {
  // Of one Classic Load Balancer: clb-mixed-instance-port. Of one target group: it has one attribute.
  return a.port === b.port && !sameInstancePort(a, b) && !apart(estate, a.targetGroupArn, b.targetGroupArn);
}

/** Whether two target groups are known to have no target in common: then two ushers are meant. */
function apart({ targetGroups }: Estate, a: string | undefined, b: string | undefined): boolean {
  const [some, others] = [a, b].map(arn => targetGroups.find(group => group.arn === arn)?.targets ?? []);
  if (some === undefined || others === undefined || some.length === 0 || others.length === 0) return false;
  return !some.some(({ id }) => others.some(other => other.id === id));
}

function finding({ sidecar }: Scene, sender: FlowGroup, other: FlowGroup): Finding {
  const { port, header, headerAt } = sender.first;
  const turnOn = other.first.turnOn;
  const names = sidecar === undefined ? [] : listenersOn(sidecar.settings, port).map(({ name }) => name);
  return {
    rule: 'header-mixed-port',
    severity: 'error',
    message: `${groupWords(sender)} sends a PROXY ${header} header to port ${port}, and ${groupWords(other)} sends none to the same port`,
    consequence:
      'usher refuses one of the two (required: those without a header; off: those with one) or, with optional, takes clients for the balancer, and a client that writes a header itself is believed',
    places: [
      other.first.headerAt,
      headerAt,
      ...names.flatMap(name => (sidecar === undefined ? [] : [sidecar.place('listeners', name)])),
    ],
    cure:
      turnOn.length > 0
        ? `turn the header on for ${groupWords(other)} too, or send it to another port of usher's`
        : `send ${groupWords(other)}, which can't send a header, to another port of usher's`,
    commands: turnOn,
  };
}
