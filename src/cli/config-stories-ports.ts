/** The three rules about ports, each with its page. */
import type { RuleText } from '../aws/report/report.js';

export const PORT_STORIES: readonly RuleText[] = [
  {
    id: 'duplicate-backend-port',
    severity: 'error',
    title: 'One endpoint belongs to one listener or one backend',
    story: `
A backend port is the address of one endpoint. When two listeners of usher both name port 3000 as
their own, the two look separate in the configuration and are one process in truth.

What differs between the listeners then meets in that process without anybody having decided so. One
listener may believe PROXY headers that the other refuses; one may stand behind the internal
balancer and the other behind the one of the internet; one counts idle connections and health of
"its" endpoint, the other counts the same one again, so that a limit of 256 connections is really
512 and an endpoint is up in one view and down in the other. Mostly it is simply a slip of the pen:
the second listener was copied from the first, and the clients of one application end up at the
other. In production one sees it as answers of the wrong application, or as a chat that works from
one host name and gives 404 under the other.

usher therefore refuses a file in which an endpoint has two owners. 127.0.0.1, localhost and ::1 are
one host here, and a name in DNS counts as the endpoint that it is.

If the second port was a mistake, write the right one:

    listeners:
      chat: { listen: 8080, backendPort: 3000 }
      web:  { listen: 8081, backendPort: 3100 }

If both listeners are to reach the same endpoint, say so: name a backend once and let both use it.
It then has one set of connections, one health and one limit.

    listeners:
      chat: { listen: 8080, backend: pool }
      web:  { listen: 8081, backend: pool }
    backends:
      pool: { endpoints: [3000] }
`,
  },
  {
    id: 'duplicate-listen',
    severity: 'error',
    title: 'Two listeners cannot have one address',
    story: `
An address and a port belong to whoever binds them first. Two listeners on 8080, or a listener on
the port of the admin listener (9180 unless it is written otherwise), would fail when the second one
is bound, in the middle of the start.

8080 alone means every address of the machine, IPv4 and IPv6. So 8080 and 127.0.0.1:8080 are the
same port in this sense: some systems bind both, and then it depends on the address dialled who
answers.

At AWS this rule has a counterpart. A Classic Load Balancer attaches the policy of the PROXY
protocol to the instance port, not to its listener: two listeners of the balancer that share an
instance port share the header as well. Where one of the two needs another treatment, it needs
another instance port, and usher another listener:

    listeners:
      chat: { listen: 8080, backendPort: 3000 }
      web:  { listen: 8081, backendPort: 3100, proxyProtocol: off }
`,
  },
  {
    id: 'forwarding-loop',
    severity: 'error',
    title: 'usher would forward to itself',
    story: `
An endpoint of a backend is one of the addresses that usher listens on. A connection that goes there
comes back to usher, which forwards it again, and so on: one request of one client uses up every
connection that the limits allow, within milliseconds. With proxyProtocol: required the loop is
short, because usher sends no PROXY header to itself and refuses its own connection, but no request
is answered either.

It happens when usher is put in front of an application and both are given one port: the application
was on 8080, the balancer dials 8080, and now usher is to be on 8080. The application has to move,
or usher has to listen elsewhere and the balancer has to be told.

    listeners:
      chat: { listen: 8080, backendPort: 3000 }

Here the balancer keeps its port, 8080, and the application is started with PORT=3000. It should
listen on 127.0.0.1, so that nobody gets past usher.

Only addresses that stand in the file are compared. A loop over another address of this machine, or
through the balancer itself, is not seen.
`,
  },
];
