/** Ports, listen addresses and endpoints as the configuration writes them, and when two of them are the same. Pure. */
import { canonicalAddress, formatHostPort } from '../../address.js';
import { show } from './problem.js';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** What reading one value gives: the value, or the rule it breaks and the words for it. */
export type Reading<T> = { readonly value: T } | { readonly rule: string; readonly fault: string };

/** A port number, 1 to 65535; digits as text are taken too (flags are text). */
export function readPort(input: unknown): Reading<number> {
  const port = typeof input === 'string' && /^\d{1,9}$/.test(input) ? Number(input) : input;
  if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535) return { value: port };
  return { rule: 'invalid-port', fault: `${show(input)} is not a port: use a whole number from 1 to 65535` };
}

/** `8080`, `host:port` or `[v6]:port`; a bare port binds every address, IPv4 and IPv6 (host `::`). */
export function readListen(input: unknown): Reading<HostPort> {
  return readHostPort(input, '::', 'invalid-listen', 'a listen address');
}

/** `3000` (on 127.0.0.1), `host:port` or `[v6]:port`. */
export function readEndpoint(input: unknown): Reading<HostPort> {
  const reading = readHostPort(input, '127.0.0.1', 'invalid-endpoint', 'an endpoint');
  if ('value' in reading && isWildcard(reading.value.host)) {
    const fault = `${show(input)} is no address to connect to: name one host, such as 127.0.0.1:${reading.value.port}`;
    return { rule: 'invalid-endpoint', fault };
  }
  return reading;
}

function readHostPort(input: unknown, anyHost: string, rule: string, what: string): Reading<HostPort> {
  if (typeof input === 'number' || (typeof input === 'string' && /^\d+$/.test(input))) {
    const port = readPort(input);
    return 'value' in port ? { value: { host: anyHost, port: port.value } } : port;
  }
  const match = typeof input === 'string' ? /^(?:\[([^[\]]+)\]|([^:[\]]+)):(-?\d+)$/.exec(input) : null;
  if (match === null) return { rule, fault: `${show(input)} is not ${what}: ${formHint(input)}` };
  const host = match[1] === undefined ? hostOf(match[2] ?? '') : addressV6(match[1]);
  if (host === undefined) return { rule, fault: `${show(input)} has no valid host: ${formHint(undefined)}` };
  const port = readPort(match[3]);
  return 'value' in port ? { value: { host, port: port.value } } : port;
}

function formHint(input: unknown): string {
  const unbracketed = typeof input === 'string' ? /^([0-9a-f:.]*:[0-9a-f:.]*):(\d+)$/i.exec(input) : null;
  if (unbracketed !== null && addressV6(unbracketed[1] ?? '') !== undefined)
    return `an IPv6 address stands in brackets, [${unbracketed[1]}]:${unbracketed[2]}`;
  return 'write a port, host:port or [v6]:port';
}

function addressV6(text: string): string | undefined {
  return text.includes(':') ? canonicalAddress(text) : undefined;
}

/** An IPv4 address or a DNS name in lower case; a name whose last label is a number would be a broken address. */
export function hostOf(text: string): string | undefined {
  const address = text.includes(':') ? undefined : canonicalAddress(text);
  if (address !== undefined) return address;
  const name = text.toLowerCase();
  const labels = name.split('.');
  if (name.length > 253 || /^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return undefined;
  return labels.every(label => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) ? name : undefined;
}

/** Whether a listener on this host takes the port on every address. */
export function isWildcard(host: string): boolean {
  return host === '::' || host === '0.0.0.0';
}

const oneHost: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

/** `127.0.0.1`, `localhost` and `::1` are one host: two names for one backend process. */
export function sameEndpoint(a: HostPort, b: HostPort): boolean {
  return endpointKey(a) === endpointKey(b);
}

/** Equal for endpoints that are the same (see {@link sameEndpoint}). */
export function endpointKey({ host, port }: HostPort): string {
  return `${oneHost.has(host) ? 'localhost' : host} ${port}`;
}

/** `port 3000` on this host, else `10.0.1.7:3000`. */
export function endpointWords({ host, port }: HostPort): string {
  return oneHost.has(host) ? `port ${port}` : formatHostPort(host, port);
}

/** Whether two listen addresses cannot both be bound. */
export function sameListen(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port) return false;
  if (covers(a.host, b.host) || covers(b.host, a.host)) return true;
  return (a.host === 'localhost' && oneHost.has(b.host)) || (b.host === 'localhost' && oneHost.has(a.host));
}

/** Whether a listener on `host` takes the port of `other` too: `::` is both families, `0.0.0.0` has no IPv6 address. */
function covers(host: string, other: string): boolean {
  if (host === '0.0.0.0') return other === '::' || !other.includes(':');
  return host === '::' || host === other;
}

/** Whether a connection to `endpoint` would arrive at `listen`. Other addresses of this machine are not known here. */
export function reaches(endpoint: HostPort, listen: HostPort): boolean {
  if (endpoint.port !== listen.port) return false;
  if (listen.host === '0.0.0.0' && endpoint.host.includes(':')) return false;
  if (isWildcard(listen.host)) return oneHost.has(endpoint.host) || endpoint.host.startsWith('127.');
  return sameEndpoint(endpoint, listen);
}
