/** A listener that reads HTTP itself. */
import { turnHeaderOn } from '../classic-commands.js';
import { portPolicies } from '../classic-policies.js';
import type { ClassicListener } from '../estate.js';
import type { Finding, Rule } from '../finding.js';
import { readsHttp, relayed, replaceListener, replaceNote } from './clb-commands.js';
import {
  type InstancePort,
  instancePorts,
  isHalfSecure,
  isMixed,
  keeper,
  listenerWords,
} from './clb-instance-ports.js';

export const clbHttpListener: Rule = {
  id: 'clb-http-listener',
  severity: 'warning',
  title: 'A listener of a Classic Load Balancer is HTTP or HTTPS, where the PROXY header does not exist',
  story: `An HTTP or HTTPS listener of a Classic Load Balancer reads the requests of clients and writes
requests of its own to the instance port. It names the client in X-Forwarded-For.

The PROXY header belongs to TCP and SSL listeners. The policy may be attached to the instance port
of an HTTP listener, but no header comes. usher takes no X-Forwarded-For from outside, because it
can't know who wrote it: it removes the field and writes its own. So behind such a listener every
client has the balancer's address, or, with proxyProtocol: required, nobody gets through.

Nor does the listener know the Upgrade of HTTP/1.1. WebSocket handshakes are answered as plain
requests: chats fall back to polling where the library can, and fail where it can't.

The cure is a TCP listener in place of HTTP, and SSL in place of HTTPS. SSL ends TLS at the
balancer just as HTTPS does, with the same certificate. What the HTTP listener did besides is left
to usher or the application: X-Forwarded-* (usher writes them), cookie stickiness (affinity in
usher), access logs with requests (log.access in usher; those of the balancer name connections
only).

AWS can't change a listener: it is deleted and made anew, and its port is closed for that moment.
The commands look the certificate up before that.`,
  *check(scene) {
    for (const port of instancePorts(scene)) {
      // One beside a TCP listener needs another instance port first: clb-mixed-instance-port.
      if (isMixed(port)) continue;
      // Those that have to leave a shared port become TCP or SSL on the way: clb-shared-instance-port.
      const stay = isHalfSecure(port) ? port.listeners : [keeper(port)];
      for (const listener of stay) if (listener !== undefined && readsHttp(listener)) yield finding(port, listener);
    }
  },
};

function finding({ balancer, port }: InstancePort, listener: ClassicListener): Finding {
  const to = relayed(listener);
  const certificate = to === 'SSL' ? ' with the same certificate' : '';
  return {
    rule: 'clb-http-listener',
    severity: 'warning',
    message: `the listener ${listenerWords(listener)} of ${balancer.name} reads HTTP itself, so no PROXY header comes to instance port ${port}`,
    consequence: 'usher takes every client for the balancer, and WebSocket handshakes do not pass',
    places: [listener.at],
    cure: `make it ${to === 'SSL' ? 'an SSL' : 'a TCP'} listener${certificate}, and attach the policy for the PROXY header to port ${port}, once it is usher that listens there: another program does not understand the header${replaceNote([listener])}`,
    commands: [
      ...replaceListener(balancer, listener, { instancePort: port, protocols: 'relay' }),
      ...(portPolicies(balancer, port).header === 'off' ? turnHeaderOn(balancer, [port]) : []),
    ],
  };
}
