/** The balancer sends a PROXY header that usher doesn't read. */
import type { ListenerSettings } from '../../settings.js';
import type { Finding, Rule } from '../finding.js';
import { isSent } from '../flow.js';
import type { Sidecar } from '../sidecar.js';
import { type FlowGroup, flowGroups, groupWords, listenersOn, meetsHttp } from './flow-groups.js';

export const headerNotExpected: Rule = {
  id: 'header-not-expected',
  severity: 'error',
  title: 'The balancer sends a PROXY header to a port where usher reads none',
  story: `With proxyProtocol: off usher reads no PROXY header. If the balancer sends one all the same, its
bytes are the first that usher takes for the client's.

With protocol: http they are a broken request. The line of version 1 begins with PROXY TCP4, the
block of version 2 with bytes that stand in no request at all, and usher answers 400 to every
client. Health checks that send a request begin with the header too, so all targets turn unhealthy;
where they only connect (TCP), all targets are healthy and nobody gets through.

With protocol: tcp they are relayed. A backend that reads the PROXY header itself gets it as the
balancer wrote it, and that may be what is meant; it has to trust usher's address then, and usher
itself does not know the client. Every other backend gets bytes in front of each conversation that
it does not understand.

usher does not guess whether a header is there, because a client could write one of its own then
and claim any address.

Set proxyProtocol: required, with trustedSources that list the subnets of the balancer. With
protocol: tcp and a backend that wants the header, add sendProxyProtocol: usher writes a header of
its own with the same client. Or turn the header off at the balancer, when nobody needs to know
the clients.`,
  *check({ sidecar, flows }) {
    if (sidecar === undefined) return;
    for (const group of flowGroups(flows)) {
      const { first } = group;
      if (!isSent(first.header) || meetsHttp(first, flows)) continue;
      for (const listener of listenersOn(sidecar.settings, first.port)) {
        if (listener.proxyProtocol === 'off') yield finding(sidecar, group, listener);
      }
    }
  },
};

function finding(sidecar: Sidecar, group: FlowGroup, { name, protocol }: ListenerSettings): Finding {
  const { first } = group;
  const http = protocol === 'http';
  const too = http ? '' : ', and sendProxyProtocol if the backend wants a header';
  return {
    rule: 'header-not-expected',
    severity: http ? 'error' : 'warning',
    message: `${groupWords(group)} sends a PROXY ${first.header} header to port ${first.port}, and usher's listener ${name} has proxyProtocol: off`,
    consequence: http
      ? 'usher takes the bytes of the header for a request and answers 400 to every client, and to health checks that send a request'
      : 'the backend gets the header in front of every conversation, and usher does not know the clients',
    places: [sidecar.place('listeners', name, 'proxyProtocol'), first.headerAt],
    cure: `set proxyProtocol: required for ${name}, with the subnets of the balancer as trustedSources${too}; or turn the header off at the balancer: ${first.turnOff.join('; ')}`,
    commands: [],
  };
}
