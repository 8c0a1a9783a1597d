/**
 * From what stands on the command line of `usher probe` to a plan in which everything is decided. Pure.
 */

import { isIP } from 'node:net';
import { canonicalAddress, formatHostPort, type SocketAddress } from '../address.js';
import { type HeaderPlan, isIpv6, parseTlv } from './probe-header.js';
import { UsageError } from './probe-usage.js';

/** The options of `usher probe` as text, the way commander hands them over; nothing is checked yet. */
export interface ProbeOptions {
  /** `v1`, `v2` (default), `local` or `none`. */
  readonly proxy?: string | undefined;
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
  readonly tlv?: readonly string[] | undefined;
  /** `--crc` true, `--no-crc` false, neither undefined. */
  readonly crc?: boolean | undefined;
  readonly nlbHealth?: boolean | undefined;
  readonly fragments?: string | undefined;
  readonly path?: string | undefined;
  readonly host?: string | undefined;
  readonly method?: string | undefined;
  readonly header?: readonly string[] | undefined;
  readonly websocket?: boolean | undefined;
  readonly message?: string | undefined;
  readonly timeout?: string | undefined;
  readonly json?: boolean | undefined;
}

export interface ProbePlan {
  readonly target: { readonly host: string; readonly port: number };
  readonly header: HeaderPlan;
  /** Bytes of the PROXY header that go out at a time; undefined: all at once. */
  readonly fragmentBytes: number | undefined;
  readonly request: {
    readonly method: string;
    readonly path: string;
    /** In the order and spelling in which they are sent, Host first. */
    readonly headers: Readonly<Record<string, string | string[]>>;
  };
  /** The text to send over a WebSocket; undefined: a plain request. */
  readonly message: string | undefined;
  /** For everything together. */
  readonly timeoutMs: number;
  readonly json: boolean;
}

const token = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
const defaultSource: SocketAddress = { address: '203.0.113.9', port: 51234 };
const longestTimeoutMs = 10 * 60_000;
/** What the length field of a v2 header can say, less addresses and checksum. */
const tlvBytesMax = 0xffff - 36 - 7;

/**
 * Checks everything that can be checked without dialling.
 *
 * @throws UsageError with one sentence
 */
export function planProbe(target: string, options: ProbeOptions): ProbePlan {
  const dial = parseTarget(target);
  const message = planMessage(options);
  return {
    target: dial,
    header: planHeader(options),
    fragmentBytes: options.fragments === undefined ? undefined : parseCount('--fragments', options.fragments),
    request: {
      method: parseMethod(options.method ?? 'GET', message !== undefined),
      path: parsePath(options.path ?? '/'),
      headers: planFields(options, formatHostPort(dial.host, dial.port)),
    },
    message,
    timeoutMs: parseTimeout(options.timeout ?? '5s'),
    json: options.json === true,
  };
}

/** `HOST:PORT`, `[v6]:PORT`, and for this machine `:PORT` or `PORT`. */
function parseTarget(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(?:\[([^\]]+)\]|([^:[\]\s/@]*)):)?([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const [, inBrackets, bare] = match ?? [];
  if (match === null || port < 1 || port > 65535 || (inBrackets !== undefined && isIP(inBrackets) !== 6)) {
    throw new UsageError(`${text} is not a target: write HOST:PORT, [IPv6]:PORT, :PORT or PORT`);
  }
  return { host: inBrackets ?? (bare || '127.0.0.1'), port };
}

function planHeader(options: ProbeOptions): HeaderPlan {
  if (options.nlbHealth === true) {
    refuseWith('--nlb-health, which is a header of its own', options, ['proxy', 'source', 'destination', 'tlv', 'crc']);
    return { kind: 'nlb-health' };
  }
  const kind = options.proxy ?? 'v2';
  switch (kind) {
    case 'none':
      refuseWith('--proxy none', options, ['source', 'destination', 'tlv', 'crc', 'fragments']);
      return { kind };
    case 'v1':
      refuseWith('--proxy v1, which has no TLVs', options, ['tlv', 'crc']);
      return { kind, ...planAddresses(options) };
    case 'local':
      refuseWith('--proxy local, which names no addresses', options, ['source', 'destination']);
      return { kind, tlvs: planTlvs(options), crc32c: options.crc ?? true };
    case 'v2':
      return { kind, ...planAddresses(options), tlvs: planTlvs(options), crc32c: options.crc ?? true };
    default:
      throw new UsageError(`--proxy ${kind}: write v1, v2, local or none`);
  }
}

function refuseWith(what: string, options: ProbeOptions, names: readonly (keyof ProbeOptions)[]): void {
  for (const name of names) {
    const value = options[name];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) {
      throw new UsageError(`--${name === 'crc' && value === false ? 'no-crc' : name} does not go with ${what}`);
    }
  }
}

function planAddresses(options: ProbeOptions): { source: SocketAddress; destination: SocketAddress | undefined } {
  const source = options.source === undefined ? undefined : parseAddressPort('--source', options.source);
  const destination =
    options.destination === undefined ? undefined : parseAddressPort('--destination', options.destination);
  const resolved = source ?? (destination !== undefined && isIpv6(destination) ? ipv6Source : defaultSource);
  if (destination !== undefined && isIpv6(resolved) !== isIpv6(destination)) {
    throw new UsageError('--source and --destination are of different families: write two IPv4 or two IPv6 addresses');
  }
  return { source: resolved, destination };
}

const ipv6Source: SocketAddress = { address: '2001:db8::9', port: 51234 };

function parseAddressPort(option: string, text: string): SocketAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text);
  const address = canonicalAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  if (address === undefined || !(port <= 65535)) {
    throw new UsageError(`${option} ${text}: write IP:PORT or [IPv6]:PORT, e.g. 203.0.113.9:51234`);
  }
  return { address, port };
}

function planTlvs(options: ProbeOptions): HeaderTlvs {
  const tlvs = (options.tlv ?? []).map(parseTlv);
  if (tlvs.reduce((sum, { value }) => sum + 3 + value.length, 0) > tlvBytesMax) {
    throw new UsageError(`--tlv: together they are longer than a v2 header can be (${tlvBytesMax} bytes)`);
  }
  return tlvs;
}

type HeaderTlvs = readonly ReturnType<typeof parseTlv>[];

function planMessage(options: ProbeOptions): string | undefined {
  if (options.websocket !== true) {
    if (options.message !== undefined) {
      throw new UsageError('--message goes with --websocket');
    }
    return undefined;
  }
  if (options.nlbHealth === true) {
    throw new UsageError('--websocket does not go with --nlb-health, which is a plain request');
  }
  return options.message ?? 'hello from usher probe';
}

function parseMethod(method: string, isUpgrade: boolean): string {
  if (!token.test(method)) {
    throw new UsageError(`--method ${method}: a method is one word`);
  }
  if (method === 'CONNECT' || (isUpgrade && method !== 'GET')) {
    throw new UsageError(`--method ${method} does not work here${isUpgrade ? ': a WebSocket begins with GET' : ''}`);
  }
  return method;
}

function parsePath(path: string): string {
  if (!/^\/[!-~]*$/.test(path) || path.includes('#')) {
    throw new UsageError(`--path ${path}: begin with / and write everything but printable ASCII as %XX`);
  }
  return path;
}

/** Host, what a health check calls itself, then `--header` in the given order. */
function planFields(options: ProbeOptions, host: string): Readonly<Record<string, string | string[]>> {
  const fields = new Map<string, { name: string; values: string[] }>();
  fields.set('host', { name: 'Host', values: [fieldValue('--host', options.host ?? host)] });
  const agent = options.nlbHealth === true ? 'ELB-HealthChecker/2.0' : 'usher-probe';
  fields.set('user-agent', { name: 'User-Agent', values: [agent] });
  const given = new Set<string>();
  for (const text of options.header ?? []) {
    const cut = text.indexOf(':');
    const name = text.slice(0, Math.max(cut, 0));
    const key = name.toLowerCase();
    if (!token.test(name)) {
      throw new UsageError(`--header ${text}: write 'Name: value'`);
    }
    if (key === 'content-length' || key === 'transfer-encoding') {
      throw new UsageError(`--header ${name}: a probe sends no body`);
    }
    const before = given.has(key) ? (fields.get(key)?.values ?? []) : [];
    fields.set(key, { name, values: [...before, fieldValue('--header', text.slice(cut + 1).trim())] });
    given.add(key);
  }
  return Object.fromEntries(
    [...fields.values()].map(({ name, values }) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
}

function fieldValue(option: string, value: string): string {
  if (!/^[\t -~\x80-\xff]*$/.test(value)) {
    throw new UsageError(`${option}: a field value has no control bytes and nothing beyond Latin-1`);
  }
  return value;
}

function parseCount(option: string, text: string): number {
  const count = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (count < 1) {
    throw new UsageError(`${option} ${text}: write how many bytes go out at a time, 1 or more`);
  }
  return count;
}

function parseTimeout(text: string): number {
  const match = /^([0-9]{1,6})(ms|s|m)$/.exec(text);
  const unit = { ms: 1, s: 1000, m: 60_000 }[match?.[2] ?? ''] ?? 0;
  const ms = Number(match?.[1] ?? 0) * unit;
  if (ms < 1 || ms > longestTimeoutMs) {
    throw new UsageError(`--timeout ${text}: write a duration up to 10m, e.g. 250ms, 5s or 2m`);
  }
  return ms;
}
