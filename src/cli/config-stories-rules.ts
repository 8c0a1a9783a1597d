/** Rules that compare two keys of a configuration: a paragraph for each. */
import type { RuleText } from '../aws/report/report.js';

type Row = readonly [id: string, title: string, story: string];

const ERRORS: readonly Row[] = [
  [
    'no-listeners',
    'A configuration without a listener does nothing',
    'usher listens where a listener says so, and there is none. The smallest file that does something is: listeners: { chat: { listen: 8080, backendPort: 3000 } }.',
  ],
  [
    'missing-key',
    'A key is missing that has no default',
    'A few keys have no default because nobody could guess them: where a listener listens, what the endpoints of a backend are, which backend a route means. The problem names the key and what is written there.',
  ],
  [
    'backend-choice',
    'A listener says in one way where its connections go',
    'There are three ways: backendPort for one endpoint on this machine, backend for a named backend, routes for several backends by host and path; backend beside routes takes what no route takes. backendPort beside one of the others would leave open which of them counts.',
  ],
  [
    'backend-name-taken',
    'The backend that backendPort makes has a name that is taken',
    'backendPort makes a backend that is named like its listener; metrics and /status show it under that name. A backend of the same name below backends would be confused with it. Rename one of them, or let the listener name that backend.',
  ],
  [
    'unknown-backend',
    'A listener or a route names a backend that is not there',
    'Names of backends are the keys below backends, exactly as they are written there. The problem names the nearest one, because a wrong name is a typing error most of the time.',
  ],
  [
    'duplicate-route',
    'Two routes of a listener want the same requests',
    'Routes are tried from the most special to the most general, not in the order of the file. Of two with the same host and the same path only one could ever be used. The key backend of the listener counts as the route for the path / of every host.',
  ],
  [
    'optional-without-trusted-sources',
    'With proxyProtocol: optional the trusted sources must be listed',
    'optional is for the hours of a cut-over: connections with a PROXY header and without one are both accepted. Whoever can reach the port can then choose, and name any client address. With trustedSources the header is believed only from the subnets of the balancer. When the cut-over is done, write required.',
  ],
  [
    'trusted-sources-empty',
    'An empty list of trusted sources trusts nobody',
    'usher believes the PROXY header of the peers in trustedSources and refuses all others. With an empty list it would refuse everybody. List the subnets of the balancer; or leave the key out where a security group admits only the balancer.',
  ],
  [
    'routes-on-tcp',
    'Protocol tcp has nothing to choose a route by',
    'Routes choose by the host and the path of a request. With protocol: tcp usher relays bytes and reads no request, so a listener has one backend: write backend instead of routes.',
  ],
  [
    'affinity-balance',
    'An affinity that hashes its key leaves nothing to balance',
    'With client-ip, path, header and query the key of a request decides by a hash which endpoint gets it; that is how several ushers agree without talking to each other. Another balance beside it would never be asked. With cookie and socket.io balance does choose, for new sessions.',
  ],
  [
    'affinity-needs-http',
    'This affinity needs a request, and protocol tcp has none',
    'Cookies, header fields, paths and queries are parts of a request. A connection of protocol: tcp has an address only: client-ip is the affinity that it can have.',
  ],
  [
    'duplicate-cookie-name',
    "Two backends of one site would overwrite each other's cookie",
    'A browser keeps one cookie of a name for a host. Where one listener sends requests of one host to two backends with affinity by cookie, both need names of their own. Without a name a cookie is called usher- and the name of the backend, which is different by itself.',
  ],
  [
    'load-bound-needs-hash',
    'loadBound is for balance: hash',
    'A hash does not look at the load, so loadBound lets it pass over an endpoint that has too much. least-connections looks at the load by itself and round-robin spreads evenly; neither has a use for a bound.',
  ],
  [
    'health-needs-path',
    'A health check by HTTP needs a path',
    'Without a path usher checks an endpoint by opening a TCP connection: there is no request, so no host and no status either. Add a path, such as /healthz, or remove host and status.',
  ],
  [
    'health-timeout',
    'A health check must end before the next one begins',
    'timeout is the longest that a check may take, interval the time from one to the next. With a timeout above the interval, checks of one endpoint would pile up while it hangs, which is when it can bear that least.',
  ],
  [
    'send-proxy-needs-tcp',
    'usher sends a PROXY header with protocol tcp only',
    'A PROXY header names the client of a whole connection. With protocol: http requests of many clients share the connections to a backend, so the client is named in X-Forwarded-For of every request instead. A backend that wants the header gets it from a listener with protocol: tcp.',
  ],
  [
    'mixed-send-proxy',
    'A backend gets the same PROXY header from every listener',
    'An application expects a PROXY header on every connection or on none; most read one version only. Two listeners that send different things to one backend would each break the connections of the other. Write the same in both, or give each a backend of its own.',
  ],
  [
    'weight-with-srv',
    'SRV records bring their weights along',
    'An endpoint by srv takes port and weight from the records themselves, so a weight in the file would contradict them. Set the weight in DNS, or use dns, which has room for one.',
  ],
];

const WARNINGS: readonly Row[] = [
  [
    'unused-backend',
    'A backend that no listener uses',
    'It gets no request. Mostly a route was forgotten, or the backend is left over from one that is gone.',
  ],
  [
    'trusted-sources-unused',
    'Trusted sources mean nothing where no PROXY header is read',
    'trustedSources says whose PROXY header is believed. With proxyProtocol: off none is read and every peer is served, so the list protects nothing, though it looks so. Remove it; to admit certain peers only is the duty of a security group.',
  ],
  [
    'trusted-sources-open',
    'Everybody who reaches the port can claim any client address',
    'Without trustedSources, or with 0.0.0.0/0 in it, usher believes the PROXY header of any peer. That is right where a security group admits only the balancer, and the only way where a Network Load Balancer preserves client addresses, because the peer is then the client itself. Everywhere else list the subnets of the balancer.',
  ],
  [
    'cidr-host-bits',
    'An address range with more digits than its prefix keeps',
    '10.0.1.0/8 means every address that begins with 10, not 256 of them. usher takes it as it stands; whoever wrote it may have meant /24. Write the range that is meant, so that the next reader need not ask.',
  ],
  [
    'http-only-key',
    'A key of HTTP on a listener of protocol tcp',
    'With protocol: tcp usher reads no requests: times and limits of heads and bodies, and everything about forwarded header fields, do nothing there. Remove the key, so that nobody relies on it.',
  ],
  [
    'proxy-header-timeout-short',
    'One lost packet may cost a connection',
    'The PROXY header is the first thing on a connection. When its packet is lost, it may take TCP up to 3 s to send it again. A shorter timeout ends connections of clients whose only fault is one lost packet.',
  ],
  [
    'affinity-needs-hash',
    'Sessions of Socket.IO are found again only by a hash',
    'A session of Socket.IO begins with several requests, and a balancer may send each to another usher. The one that saw the handshake knows the endpoint; the others can only compute it, which works with balance: hash. With a single usher, or a single endpoint, this does not matter.',
  ],
  [
    'drain-timeout-short',
    'The drain ends before its own steps are done',
    'A drain waits deregisterDelay, then closes WebSockets one after the other over closeOver. What is left at drain.timeout is cut. A timeout below the sum cuts connections that were not yet asked to leave.',
  ],
  [
    'tunnel-timeout-short',
    'Idle WebSockets would be ended between two pings',
    'timeouts.tunnel is the time that a WebSocket may be without a byte. Socket.IO pings every 25 s; the ws library does not ping by itself. A time below the pings of the application ends conversations in which nobody happens to speak.',
  ],
  [
    'drain-exceeds-stop-timeout',
    'SIGKILL comes before the drain is over',
    'ECS, Kubernetes and systemd send SIGTERM, wait, and kill what is left (stopTimeout, terminationGracePeriodSeconds, TimeoutStopSec). When that is less than drain.timeout and two seconds, connections are cut and the end of the log is lost. usher check --stop-timeout compares them.',
  ],
  [
    'keep-alive-below-idle-timeout',
    'usher ends idle connections before the balancer does',
    'A balancer keeps connections to use them again. When usher closes an idle one first, a request may already be under way on it, and is lost. Keep timeouts.keepAlive above the idle timeout of the balancer. usher check --idle-timeout compares them.',
  ],
  [
    'idle-timeout-below-pings',
    'The balancer ends idle WebSockets between two pings',
    'A Classic Load Balancer ends a connection that has been without payload for its idle timeout (60 s by default); TCP keep-alives do not count. Pings of the application must come more often than that: Socket.IO sends one every 25 s. Raise the idle timeout, or ping more often.',
  ],
  [
    'open-files-limit',
    'The limit of open files is below what the configuration allows',
    'Every connection of a client needs a file descriptor, and its way to the backend another one. usher run --check-fds compares the limit of the process with limits.connections, and warns; with --check-fds=strict usher does not start then. Near the limit listeners pause, so that a balancer goes elsewhere.',
  ],
];

export const RULE_STORIES: readonly RuleText[] = [
  ...ERRORS.map(([id, title, story]): RuleText => ({ id, severity: 'error', title, story })),
  ...WARNINGS.map(([id, title, story]): RuleText => ({ id, severity: 'warning', title, story })),
];
