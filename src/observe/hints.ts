/** What usually lies behind a refusal, and what to do: for the person who reads the log at night. */
import type { Code } from '../codes.js';

const switchOn =
  'switch on proxy protocol (CLB: policy on the instance port; NLB: proxy_protocol_v2.enabled on the target group) or set proxyProtocol: off';

/** By code and, where the first bytes say more, by code and detail. */
const hints: Partial<Record<Code | `${Code} ${string}`, string>> = {
  'header-missing': `the peer sends no PROXY header: ${switchOn}`,
  'header-missing http': `the balancer sends no PROXY header: ${switchOn}`,
  'header-missing http2': `HTTP/2 arrived without a PROXY header; usher serves HTTP/1.1 behind one: ${switchOn}`,
  'header-missing tls':
    'TLS arrived where a PROXY header was expected: the balancer passes TLS through and sends no header; end TLS at the balancer, or switch on proxy protocol and let the backend end TLS (protocol: tcp)',
  'header-missing ssh': 'an SSH client speaks here: the balancer or a scanner took this port for another service',
  'header-timeout':
    'the connection stayed silent: a client that waits for the server to speak first, or a check that only connects; if many, the balancer sends no PROXY header and its clients speak late',
  'header-truncated': 'a check or scanner that gives up early, or a balancer that lost its client',
  'header-too-long': 'limits.proxyHeader of the listener sets the bound; an NLB sends about 100 bytes',
  'header-malformed':
    'something other than a balancer speaks the PROXY protocol here: `usher decode` shows what a header says',
  'header-crc': 'bytes changed on the way, or a device between balancer and usher rewrites them',
  'source-untrusted':
    "add the subnets of the balancer's nodes to trustedSources of the listener if this peer is the balancer; else close the port to it in the security group",
  'connection-limit': 'limits.connections of the listener sets the bound',
  'route-missing': 'routes of the listener need one with path / to take everything else',
  'backend-unreachable': 'nothing accepts connections on this endpoint: is the process running, and on this port?',
  'backend-connect-timeout':
    'the endpoint neither accepts nor refuses: a full accept queue, or packets that a firewall drops',
  'backend-closed':
    'the endpoint closed an open connection: it crashed, or its keep-alive time is shorter than timeouts.idle of the backend',
};

/** The sentence for a refusal, undefined where the code says it all. `detail` is what the data plane told. */
export function hintFor(code: Code, detail: string | undefined): string | undefined {
  if (detail !== undefined) {
    const exact = hints[`${code} ${detail}`];
    if (exact !== undefined) return exact;
  }
  return hints[code];
}
