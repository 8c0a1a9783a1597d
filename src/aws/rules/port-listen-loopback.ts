/** A listener that only its own machine reaches. */
import { formatHostPort } from '../../address.js';
import type { Finding, Rule } from '../finding.js';
import { isLoopback } from '../own-endpoint.js';
import type { Sidecar } from '../sidecar.js';
import { type FlowGroup, flowGroups, groupWords, listenersOn } from './flow-groups.js';

export const portListenLoopback: Rule = {
  id: 'port-listen-loopback',
  severity: 'error',
  title: 'usher listens on loopback only, where the balancer cannot reach it',
  story: `An address such as 127.0.0.1, ::1 or localhost is reached from the same machine only (in a
container: from the same container or pod). A balancer connects from another machine, to the
address of the instance, the task or the pod. Nobody listens there, and the connection is refused.

Health checks fail, and all targets are unhealthy. From the machine itself everything looks right:
curl and usher probe on 127.0.0.1 are answered.

Loopback is right for the application behind usher, so that nobody goes around usher. usher's own
listener needs an address that the balancer reaches: a port alone (listen: 8080 binds every
address, IPv4 and IPv6), or the address of the one interface. Let the security group admit only
the balancer.`,
  *check({ sidecar, flows }) {
    if (sidecar === undefined) return;
    const told = new Set<string>();
    for (const group of flowGroups(flows)) {
      for (const { name, listen } of listenersOn(sidecar.settings, group.first.port)) {
        if (!isLoopback(listen.host) || told.has(name)) continue;
        told.add(name);
        yield finding(sidecar, group, name, listen.host);
      }
    }
  },
};

function finding(sidecar: Sidecar, group: FlowGroup, name: string, host: string): Finding {
  const { port, at } = group.first;
  return {
    rule: 'port-listen-loopback',
    severity: 'error',
    message: `${groupWords(group)} sends to port ${port}, and usher's listener ${name} is on ${formatHostPort(host, port)}, which only its own machine reaches`,
    consequence: 'the connections of the balancer are refused, and all targets are unhealthy',
    places: [sidecar.place('listeners', name, 'listen'), at],
    cure: `set listen: ${port} for ${name}, and let the security group admit only the balancer`,
    commands: [],
  };
}
