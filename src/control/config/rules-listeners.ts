/** Rules about trust in the PROXY header, and about keys that mean nothing where they stand. */
import { type Cidr, parseCidr } from '../../address.js';
import { formatPath, show } from './problem.js';
import type { ListenerConfig } from './schema.js';
import { find } from './tree.js';
import { formatDuration } from './units.js';
import type { Finding, View } from './view.js';

/** `optional-without-trusted-sources`, `trusted-sources-empty`, `-unused` and `-open`: who may tell the client's address. */
export function* trustedSources(view: View): Iterable<Finding> {
  for (const [name, listener] of Object.entries(view.config.listeners)) {
    const path = ['listeners', name];
    if (!view.isSound(...path, 'trustedSources') || !view.isSound(...path, 'proxyProtocol')) continue;
    const isFlag = view.place(path).line === 0;
    const finding = trustFinding(
      listener,
      formatPath(path),
      `list the subnets of the balancer, as in ${isFlag ? '--trusted-source 10.0.0.0/8' : 'trustedSources: [10.0.0.0/8]'}`,
    );
    if (finding === undefined) continue;
    const pointsAtOptional = listener.proxyProtocol === 'optional' && listener.trustedSources === undefined;
    yield { ...finding, path: [...path, pointsAtOptional ? 'proxyProtocol' : 'trustedSources'] };
  }
}

function trustFinding(listener: ListenerConfig, owner: string, advice: string): Omit<Finding, 'path'> | undefined {
  const { proxyProtocol, trustedSources: sources } = listener;
  if (proxyProtocol === 'off') {
    if (sources === undefined) return undefined;
    const message = 'proxyProtocol is off, so no PROXY header is read and trustedSources does nothing: remove it';
    return { rule: 'trusted-sources-unused', severity: 'warning', message };
  }
  if (proxyProtocol === 'optional' && (sources === undefined || sources.length === 0)) {
    const message = `proxyProtocol: optional lets any peer of ${owner} choose whether to send a PROXY header: ${advice}`;
    return { rule: 'optional-without-trusted-sources', message };
  }
  if (sources?.length === 0) {
    const message = `the list is empty, so ${owner} would refuse every connection: ${advice}`;
    return { rule: 'trusted-sources-empty', message };
  }
  if (sources !== undefined && !sources.some(source => source.bits === 0)) return undefined;
  const message = `${owner} believes the PROXY header of any peer that reaches it, so anyone may claim any client address: ${advice}`;
  return { rule: 'trusted-sources-open', severity: 'warning', message };
}

/** `cidr-host-bits` (warning): 10.0.1.0/8 is all of 10.0.0.0/8, and whoever wrote it may have meant /24. */
export function* cidrHostBits(view: View): Iterable<Finding> {
  for (const [name, { trustedSources: sources = [] }] of Object.entries(view.config.listeners)) {
    for (const [index, source] of sources.entries()) {
      const path = ['listeners', name, 'trustedSources', index];
      const written = find(view.accepted, path);
      if (written?.kind !== 'leaf' || !hasHostBits(String(written.value), source)) continue;
      const message = `${show(written.value)} is the whole range ${source.text}: write that, or a longer prefix if less was meant`;
      yield { rule: 'cidr-host-bits', severity: 'warning', path, message };
    }
  }
}

function hasHostBits(written: string, { bytes }: Cidr): boolean {
  const address = parseCidr(written.split('/', 1)[0] ?? '');
  return address?.bytes.some((byte, index) => byte !== bytes[index]) ?? false;
}

/** `routes-on-tcp`: without HTTP there is neither host nor path to choose by. */
export function* routesOnTcp(view: View): Iterable<Finding> {
  for (const [name, { protocol }] of Object.entries(view.config.listeners)) {
    const path = ['listeners', name, 'routes'];
    if (protocol !== 'tcp' || !view.isGiven(...path)) continue;
    const message = 'protocol tcp has no host and no path to choose a route by: write backend: NAME instead of routes';
    yield { rule: 'routes-on-tcp', path, message };
  }
}

/** `timeouts.response` is not among them: a tunnel of which one side is gone uses it. */
const httpOnly: readonly (readonly string[])[] = [
  ['forwarded'],
  ['forwardedProto'],
  ['allowMethods'],
  ...['requestHead', 'keepAlive', 'requestBody', 'responseBody'].map(key => ['timeouts', key]),
  ...['startLine', 'head', 'headFields', 'requestsPerConnection'].map(key => ['limits', key]),
];

/** `http-only-key` (warning): a key of HTTP on a listener of protocol tcp. */
export function* httpOnlyKey(view: View): Iterable<Finding> {
  for (const [name, { protocol }] of Object.entries(view.config.listeners)) {
    if (protocol !== 'tcp') continue;
    for (const key of httpOnly) {
      const path = ['listeners', name, ...key];
      const message = 'does nothing with protocol tcp: remove it';
      if (view.isGiven(...path)) yield { rule: 'http-only-key', severity: 'warning', path, message };
    }
  }
}

const RETRANSMIT_MS = 3000;

/** `proxy-header-timeout-short` (warning): one lost packet would end the connection. */
export function* proxyHeaderTimeoutShort(view: View): Iterable<Finding> {
  for (const [name, { proxyProtocol, timeouts }] of Object.entries(view.config.listeners)) {
    if (proxyProtocol === 'off' || timeouts.proxyHeader >= RETRANSMIT_MS) continue;
    const path = ['listeners', name, 'timeouts', 'proxyHeader'];
    const message = `${formatDuration(timeouts.proxyHeader)} is less than the 3s a TCP retransmit may take, so one lost packet ends a connection: use 3s or more`;
    yield { rule: 'proxy-header-timeout-short', severity: 'warning', path, message };
  }
}
