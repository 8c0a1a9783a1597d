/** The scheme that usher tells applications, beside what clients speak to the balancer. */
import type { ListenerSettings } from '../../settings.js';
import type { Finding, Rule } from '../finding.js';
import { isTls } from '../flow.js';
import type { Sidecar } from '../sidecar.js';
import { listenersOn, type PortFlow, portFlows } from './flow-groups.js';

const HTTPS_PORT = 443;
const HTTP_PORT = 80;

export const forwardedProto: Rule = {
  id: 'forwarded-proto',
  severity: 'warning',
  title: "usher's forwardedProto doesn't fit what clients speak to the balancer",
  story: `An application behind a balancer that ends TLS sees plain HTTP. X-Forwarded-Proto tells it what
the client spoke. Applications build redirects, links and cookies with Secure from it, and
frameworks that insist on https send a client whose scheme is http to https, again and again,
since the next request says http as well.

usher writes the field, and forwardedProto says what: https or http, fixed, or auto. auto goes by
the PROXY header: by its TLS part where it has one, else https means that the client dialled port
443.

A Classic Load Balancer's line has no TLS part. Its destination port is the port of the listener,
so auto is right for 443 and wrong for TLS on any other port, and without a header auto never says
https (unless usher itself listens on 443).

What a Network Load Balancer writes as the destination port has not been verified by those who
wrote this, so behind a TLS listener don't build on auto: write forwardedProto: https.

A fixed value is best where one listener of usher's gets one kind of clients. Where port 80 and
port 443 come to usher apart, each to a listener of its own, each can say what is so.`,
  *check({ sidecar, flows }) {
    if (sidecar === undefined) return;
    for (const flow of portFlows(flows)) {
      for (const listener of listenersOn(sidecar.settings, flow.port)) {
        if (listener.protocol === 'http') yield* findings(sidecar, flow, listener);
      }
    }
  },
};

function* findings(sidecar: Sidecar, flow: PortFlow, listener: ListenerSettings): Iterable<Finding> {
  const verdict = judge(flow, listener);
  if (verdict === undefined) return;
  const { name } = listener;
  const where = `${flow.balancer} (${flow.frontProtocol} ${flow.frontPort ?? 'on any port'})`;
  yield {
    rule: 'forwarded-proto',
    severity: verdict.severity,
    message: `clients speak ${verdict.secure ? 'TLS' : 'plain HTTP'} to ${where}, and usher's listener ${name} has forwardedProto: ${listener.forwardedProto}`,
    consequence: verdict.consequence,
    places: [sidecar.place('listeners', name, 'forwardedProto'), flow.at],
    cure: `set forwardedProto: ${verdict.secure ? 'https' : 'http'} for ${name}${verdict.secure ? '' : ', or send these clients to another listener of its own'}`,
    commands: [],
  };
}

interface Verdict extends Pick<Finding, 'severity' | 'consequence'> {
  readonly secure: boolean;
}

function judge({ kind, frontProtocol, frontPort, header }: PortFlow, listener: ListenerSettings): Verdict | undefined {
  const { forwardedProto: proto } = listener;
  if (!isTls(frontProtocol)) {
    if (frontPort !== HTTP_PORT || proto !== 'https') return undefined;
    const consequence = 'applications take requests that came in clear for https, and redirect nobody to https';
    return { secure: false, severity: 'warning', consequence };
  }
  if (proto === 'https') return undefined;
  if (proto === 'http') {
    const consequence = 'applications take every request for http: redirects to https never end, cookies lack Secure';
    return { secure: true, severity: 'warning', consequence };
  }
  const consequence = autoFault(kind, frontPort, header, listener.listen.port);
  return consequence === undefined ? undefined : { secure: true, severity: 'note', consequence };
}

/** What auto would say wrongly. */
function autoFault(
  kind: PortFlow['kind'],
  frontPort: number | undefined,
  header: PortFlow['header'],
  listen: number,
): string | undefined {
  if (header === 'unknown' || frontPort === undefined) return undefined;
  if (header === 'none') {
    return listen === HTTPS_PORT ? undefined : 'without a PROXY header auto says http of every request';
  }
  if (frontPort !== HTTPS_PORT) return `auto says https for port ${HTTPS_PORT} only, and http of every request here`;
  const certain = kind === 'clb' || header === 'v1';
  return certain
    ? undefined
    : 'auto goes by the destination port, and what this balancer writes there was not verified';
}
