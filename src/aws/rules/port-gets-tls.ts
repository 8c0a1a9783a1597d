/** A balancer that lets TLS come to usher, which reads plain HTTP. */
import type { ListenerSettings } from '../../settings.js';
import type { Finding, Rule, Scene } from '../finding.js';
import { isTls } from '../flow.js';
import type { Sidecar } from '../sidecar.js';
import { replaceListener, replaceNote } from './clb-commands.js';
import { classicOf, listenersOn, type PortFlow, portFlows } from './flow-groups.js';

const HTTPS_PORT = 443;

export const portGetsTls: Rule = {
  id: 'port-gets-tls',
  severity: 'error',
  title: 'TLS comes to a port where usher reads plain HTTP',
  story: `usher has no certificates and ends no TLS. With protocol: http it reads plain requests, so TLS has
to end at the balancer.

Two settings let it through. The first: the balancer speaks TLS to its targets itself
(InstanceProtocol SSL or HTTPS of a Classic Load Balancer, a target group with the protocol TLS or
HTTPS). Then all that comes to usher is encrypted, and it answers 400 or refuses.

The second: the listener for port 443 is TCP. A TCP listener relays what clients send, and clients
that dial 443 send TLS. A certificate belongs to an SSL listener (Classic) or a TLS listener
(Network).

Both look healthy where the health check only opens a connection. Browsers say that the connection
was reset or that the protocol is wrong, and in usher's log stand request-line-invalid and 400.

End TLS at the balancer and take TCP to usher. Where TLS has to reach the application itself, use
protocol: tcp: usher reads the PROXY header and relays the rest as it is.`,
  *check(scene) {
    const { sidecar, flows } = scene;
    if (sidecar === undefined) return;
    for (const flow of portFlows(flows)) {
      for (const listener of listenersOn(sidecar.settings, flow.port)) {
        if (listener.protocol !== 'http') continue;
        if (isTls(flow.protocol)) yield encrypted(scene, sidecar, flow, listener);
        else if (flow.frontProtocol === 'TCP' && flow.frontPort === HTTPS_PORT) yield relayed(sidecar, flow, listener);
      }
    }
  },
};

function encrypted({ estate }: Scene, sidecar: Sidecar, flow: PortFlow, { name }: ListenerSettings): Finding {
  const { balancer, port, protocol, at } = flow;
  const found = classicOf(estate, flow);
  return {
    rule: 'port-gets-tls',
    severity: 'error',
    message: `${balancer} speaks ${protocol} to port ${port}, and usher's listener ${name} reads plain HTTP there`,
    consequence: "usher can't read a request, and answers 400 or refuses every connection",
    places: [at, sidecar.place('listeners', name, 'protocol')],
    cure: `let the balancer speak TCP to port ${port}, or set protocol: tcp for ${name} to relay TLS to the application${found === undefined ? '' : replaceNote([found.listener])}`,
    commands:
      found === undefined
        ? []
        : replaceListener(found.balancer, found.listener, { instancePort: port, protocols: 'relay' }),
  };
}

function relayed(sidecar: Sidecar, { balancer, port, at }: PortFlow, { name }: ListenerSettings): Finding {
  return {
    rule: 'port-gets-tls',
    severity: 'warning',
    message: `the TCP listener on ${HTTPS_PORT} of ${balancer} ends no TLS, and usher's listener ${name} reads plain HTTP on port ${port}`,
    consequence: 'clients that dial 443 send TLS, which usher answers with 400',
    places: [at, sidecar.place('listeners', name, 'protocol')],
    cure: `make it an SSL listener (Network Load Balancer: TLS) with a certificate, or set protocol: tcp for ${name} to relay TLS to the application`,
    commands: [],
  };
}
