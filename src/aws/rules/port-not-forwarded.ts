/** A listener of usher's that no balancer sends to. */
import type { Finding, Rule } from '../finding.js';
import type { Sidecar } from '../sidecar.js';
import { portWords } from '../words.js';
import { portFlows } from './flow-groups.js';

export const portNotForwarded: Rule = {
  id: 'port-not-forwarded',
  severity: 'note',
  title: 'usher listens on a port to which no balancer sends',
  story: `A listener of usher's waits for connections that no balancer in these files makes.

That may be fine: a port for traffic inside the VPC, a listener that is ready before its balancer
is, or a balancer whose files were not given.

It may also be what is left of an old layout, or the other half of a slip: the balancer sends to
8080, usher listens on 8008, and each of the two looks right by itself. Then there is a second
finding, port-not-listened.

Take the listener away if nothing uses it. A port that is open and forgotten is one more way
around the balancer.`,
  *check({ sidecar, flows }) {
    if (sidecar === undefined) return;
    const known = portFlows(flows);
    // A flow whose port is not known may be the one.
    if (known.length === 0 || flows.some(({ port }) => port === undefined)) return;
    const ports = [...new Set(known.map(({ port }) => port))];
    for (const { name, listen } of sidecar.settings.listeners) {
      if (!ports.includes(listen.port)) yield finding(sidecar, name, listen.port, ports);
    }
  },
};

function finding(sidecar: Sidecar, name: string, port: number, ports: readonly number[]): Finding {
  return {
    rule: 'port-not-forwarded',
    severity: 'note',
    message: `usher's listener ${name} is on port ${port}, and the balancers in these files send to ${portWords(ports)}`,
    consequence: 'no client comes to it through them',
    places: [sidecar.place('listeners', name, 'listen')],
    cure: `point a balancer at it, give the files of its balancer to the check, or take ${name} away`,
    commands: [],
  };
}
