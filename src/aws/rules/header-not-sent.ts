/** usher waits for a PROXY header that the balancer doesn't send. */

import type { ListenerSettings } from '../../settings.js';
import { turnHeaderOn } from '../classic-commands.js';
import type { Finding, Rule, Scene } from '../finding.js';
import { isHttp } from '../flow.js';
import type { Sidecar } from '../sidecar.js';
import { relayed, replaceListener, replaceNote } from './clb-commands.js';
import { classicOf, type FlowGroup, flowGroups, groupWords, listenersOn, meetsHttp } from './flow-groups.js';
import { meetsSender } from './meeting-flows.js';

export const headerNotSent: Rule = {
  id: 'header-not-sent',
  severity: 'error',
  title: 'usher expects a PROXY header on a port to which the balancer sends none',
  story: `The PROXY header stands in front of all other bytes of a connection and names the client. Both
sides have to agree on it, because it can't be negotiated: the balancer sends it or does not,
usher expects it or does not.

usher's proxyProtocol is required unless something else is written. A connection that begins
without a header is refused then (header-missing), because it may come from anybody who found a
way around the balancer. If the balancer sends no header, that is every connection. (The code is
source-untrusted where the peer isn't in trustedSources either.) Health checks that send a request
to this port fail too, and all targets turn unhealthy; a check by TCP only connects and goes well,
and then all targets are healthy and nobody gets through.

With optional, which is for the hours of a cut-over, such connections pass, but the client is not
known: usher takes the balancer for the client, and its address stands in X-Forwarded-For, in
logs, and in what affinity by client-ip goes by.

Worse, the balancer relays what the client writes, and a client may write a PROXY header of its
own. It arrives from the balancer's address, a trusted source, and usher believes it.

One sees it as refused connections with the code header-missing in usher's log and in
usher_refused_total, or as usher_proxy_headers_total{version="none"} that grows.

Turn the header on at the balancer. Classic Load Balancer: a policy of the type
ProxyProtocolPolicyType on the instance port, with a TCP or SSL listener. Network Load Balancer:
proxy_protocol_v2.enabled of the target group. Kubernetes: an annotation of the Service. To switch
without a gap: first usher with optional, then the balancer, then required. Where no header can be
had, and none is wanted, write proxyProtocol: off.`,
  *check(scene) {
    const { sidecar, flows } = scene;
    if (sidecar === undefined) return;
    for (const group of flowGroups(flows)) {
      if (group.first.header !== 'none' || meetsHttp(group.first, flows) || meetsSender(scene, group)) continue;
      for (const listener of listenersOn(sidecar.settings, group.first.port)) {
        if (listener.proxyProtocol !== 'off') yield finding(scene, sidecar, group, listener);
      }
    }
  },
};

const REFUSED = 'usher refuses every connection with header-missing, and every health check but those by TCP';
const UNKNOWN = 'usher takes every client for the balancer, whose address stands in X-Forwarded-For then';
const FORGED = '; and a client that writes a PROXY header itself is believed';

function finding(scene: Scene, sidecar: Sidecar, group: FlowGroup, { name, proxyProtocol }: ListenerSettings): Finding {
  const { first } = group;
  const required = proxyProtocol === 'required';
  return {
    rule: 'header-not-sent',
    severity: required ? 'error' : 'warning',
    message: `${groupWords(group)} sends no PROXY header to port ${first.port}, and usher's listener ${name} has proxyProtocol: ${proxyProtocol}`,
    consequence: `${required ? REFUSED : UNKNOWN}${isHttp(first.protocol) ? '' : FORGED}`,
    places: [first.headerAt, sidecar.place('listeners', name, 'proxyProtocol')],
    ...cure(scene, group, name),
  };
}

function cure({ estate }: Scene, { flows, first }: FlowGroup, name: string): Pick<Finding, 'cure' | 'commands'> {
  if (!isHttp(first.protocol)) {
    return first.turnOn.length > 0
      ? { cure: 'turn the PROXY header on at the balancer', commands: first.turnOn }
      : {
          cure: `no header can be on there: send through a TCP target group, or set proxyProtocol: off for ${name}`,
          commands: [],
        };
  }
  const classics = flows.map(flow => classicOf(estate, flow)).filter(found => found !== undefined);
  const [balancer] = classics.map(found => found.balancer);
  if (balancer === undefined) {
    return {
      cure: `a balancer that reads HTTP sends none: use a TCP or TLS listener, or set proxyProtocol: off for ${name}`,
      commands: [],
    };
  }
  const listeners = classics.map(found => found.listener);
  const protocols = [...new Set(listeners.map(relayed))].join(' and ');
  const replaced = listeners.flatMap(listener =>
    replaceListener(balancer, listener, { instancePort: first.port, protocols: 'relay' }),
  );
  return {
    cure: `an HTTP or HTTPS listener sends none: make it ${protocols} and attach the policy${replaceNote(listeners)}`,
    commands: [...replaced, ...turnHeaderOn(balancer, [first.port])],
  };
}
