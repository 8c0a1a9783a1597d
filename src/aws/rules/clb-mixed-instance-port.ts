/** A listener that relays bytes and one that reads HTTP on one instance port. */
import { setPolicies, turnHeaderOn } from '../classic-commands.js';
import { portPolicies } from '../classic-policies.js';
import type { ClassicListener } from '../estate.js';
import type { Finding, Rule } from '../finding.js';
import { listed, portWords } from '../words.js';
import { readsHttp, relayed, replaceListener, replaceNote } from './clb-commands.js';
import { freePorts, type InstancePort, instancePorts, isMixed, keeper, listenerWords } from './clb-instance-ports.js';

export const clbMixedInstancePort: Rule = {
  id: 'clb-mixed-instance-port',
  severity: 'error',
  title: 'A TCP or SSL listener and an HTTP or HTTPS listener of a Classic Load Balancer share an instance port',
  story: `A Classic Load Balancer has listeners for clients (a port and a protocol) and instance ports, to
which it connects behind them. Many listeners may lead to one instance port:

    SSL  443 ──┐
               ├──► instance port 8080 ──► usher
    HTTP  80 ──┘

The two kinds of listeners say different things on such a connection. A TCP or SSL listener relays
the client's bytes, and where the policy type ProxyProtocolPolicyType is on, it writes a PROXY
line in front of them. An HTTP or HTTPS listener reads requests itself, writes the client into
X-Forwarded-For, never sends a PROXY line, and uses one connection for requests of many clients.

The trap is that AWS attaches the policy to the instance port and not to the listener. So one port
gets both: connections that begin with PROXY TCP4 …, and others that begin with GET /. AWS accepts
that. It refuses only TLS beside plain text on one instance port.

Nothing that usher could be told fits both. With proxyProtocol: required the connections of the
HTTP listener are refused (header-missing). With off the PROXY lines of the other one are taken
for requests and answered 400. With optional every client of the HTTP listener has the balancer's
own address, because usher removes an X-Forwarded-For that it did not write itself. Without the
policy it is no better: no client of the TCP listener can be known, and turning the policy on
later breaks what is above.

In production one sees it as "works on 443, fails on 80" or as a part of the clients behind one
address of the VPC. Health checks of the port may pass all the time, because they follow the
policy and not the listeners.

The cure is an instance port for each listener, and TCP or SSL for both, so that usher knows every
client and WebSockets pass:

    SSL 443 ──► 8080 ──► usher's listener chat
    TCP  80 ──► 8081 ──► usher's listener chat-plain

AWS can't change a listener: it is deleted and made anew, and its port is closed for that moment.
Add the second listener to usher first, let the security group of the instances admit the balancer
on the new port, then run the commands. In usher both listeners may name the same backend.`,
  *check(scene) {
    for (const port of instancePorts(scene)) {
      if (isMixed(port)) yield finding(port, freePorts(scene, port, port.listeners.length - 1));
    }
  },
};

function finding(shared: InstancePort, free: readonly number[]): Finding {
  const { balancer, port, listeners } = shared;
  const kept = keeper(shared);
  const moved = listeners.filter(listener => listener !== kept);
  const { header, names, at } = portPolicies(balancer, port);
  const relays = listed(listeners.filter(listener => !readsHttp(listener)).map(listenerWords));
  const https = listed(listeners.filter(readsHttp).map(listenerWords));
  const moves = moved.flatMap((listener, index) => move(shared, listener, free[index]));
  const attach =
    header === 'off'
      ? turnHeaderOn(balancer, [port, ...free])
      : free.map(instancePort => setPolicies(balancer.name, instancePort, names));
  const places = [...moved, ...(kept === undefined ? [] : [kept])].map(listener => listener.at);
  return {
    rule: 'clb-mixed-instance-port',
    severity: 'error',
    message: `the listeners ${relays} and ${https} of ${balancer.name} share instance port ${port}: ${difference(header, relays, https)}`,
    consequence: `no proxyProtocol of usher's fits both: required refuses every connection of ${https}, off answers 400 where a PROXY header comes, and optional gives every client of ${https} the balancer's address`,
    places: [moved[0]?.at ?? at, ...places.slice(1), ...(names.length > 0 ? [at] : [])],
    cure: `give ${listed(moved.map(listenerWords))} an instance port of its own (${portWords(free)}) as ${as(moved)} with the policy on it, add a listener of usher's for it, and let the security group admit the balancer there${replaceNote(moved)}`,
    commands: [...moves, ...attach],
  };
}

function as(moved: readonly ClassicListener[]): string {
  return [...new Set(moved.map(relayed))].join(' or ');
}

function move({ balancer }: InstancePort, listener: ClassicListener, to: number | undefined) {
  return to === undefined ? [] : replaceListener(balancer, listener, { instancePort: to, protocols: 'relay' });
}

function difference(header: 'on' | 'off' | 'unknown', relays: string, https: string): string {
  if (header === 'on') return `connections of ${relays} begin with a PROXY header and those of ${https} don't`;
  if (header === 'off')
    return `${relays} relays the bytes of clients, ${https} writes requests of its own with X-Forwarded-For, and no PROXY header can be turned on for only one of them`;
  return `${relays} relays the bytes of clients, with a PROXY header if the policies there say so, and ${https} writes requests of its own and never a PROXY header`;
}
