/** One item of `endpoints`: a port or an address, or a mapping that gives a weight or names where to look in DNS. */
import { z } from 'zod';
import { canonicalAddress } from '../../address.js';
import { type HostPort, hostOf, type Reading, readEndpoint, readPort } from './host-port.js';
import { givenKeys } from './keys.js';
import { show } from './problem.js';
import { count, endpoint, scalar, withRule } from './scalars.js';

/** `address`: one endpoint. `dns`: one for each address of the name. `srv`: one for each record. */
export type EndpointConfig =
  | { readonly kind: 'address' | 'dns'; readonly address: HostPort; readonly weight: number }
  | { readonly kind: 'srv'; readonly name: string };

/** An item of `endpoints`. */
export const endpointItem = () => z.union([mapping, endpoint().transform(address => staticEndpoint(address, 1))]);

const MAX_WEIGHT = 1000;

/** A name and a port, to be looked up again and again. */
const dnsName = () => scalar(readDnsName, { type: 'string', pattern: '^[^:]+:\\d+$' });
/** The name of SRV records. */
const srvName = () => scalar(readSrvName, { type: 'string', pattern: '^[A-Za-z0-9_.-]+$' });

const mapping = z
  .strictObject({
    address: endpoint()
      .optional()
      .describe('A port (on 127.0.0.1), host:port or [v6]:port; one of address, dns and srv. No default.'),
    dns: dnsName()
      .optional()
      .describe('name:port, the name in full; every address that DNS has for it is an endpoint. No default.'),
    srv: srvName()
      .optional()
      .describe('A name whose SRV records give the endpoints, their ports and their weights. No default.'),
    weight: count(1, MAX_WEIGHT)
      .optional()
      .describe('Its share beside the other endpoints; with dns: of each address. Default: 1.'),
  })
  .meta({ oneOf: [{ required: ['address'] }, { required: ['dns'] }, { required: ['srv'] }] })
  .transform(({ address, dns, srv, weight }, context): EndpointConfig => {
    const given = givenKeys({ address, dns, srv });
    // Nothing is missing where a key was misspelt, which is told already.
    if (given.length > 1 || (given.length === 0 && context.issues.length === 0)) {
      const fault = given.length === 0 ? 'names no endpoint: give it' : `has ${given.join(' and ')}: keep`;
      context.addIssue({
        code: 'custom',
        message: withRule('endpoint-choice', `${fault} one of address, dns and srv`),
      });
    }
    if (srv !== undefined && weight !== undefined) {
      const words = 'SRV records give the weights themselves: remove it';
      context.addIssue({ code: 'custom', path: ['weight'], message: withRule('weight-with-srv', words) });
    }
    if (dns !== undefined) return { kind: 'dns', address: dns, weight: weight ?? 1 };
    if (address !== undefined) return staticEndpoint(address, weight ?? 1);
    return { kind: 'srv', name: srv ?? '' };
  });

function staticEndpoint(address: HostPort, weight: number): EndpointConfig {
  return { kind: 'address', address, weight };
}

function readDnsName(input: unknown): Reading<HostPort> {
  const fault = (words: string) => ({ rule: 'invalid-dns-name', fault: `${show(input)} ${words}` });
  if (isAddress(input)) return fault(`is an address, for which DNS is not asked: write address: ${String(input)}`);
  const match = typeof input === 'string' ? /^([^:]+?)\.?:(-?\d+)$/.exec(input) : null;
  const host = match === null ? undefined : hostOf(match[1] ?? '');
  if (match === null || host === undefined)
    return fault('is not a name and a port: write chat.internal:3000, or srv: when DNS gives the port');
  const port = readPort(match[2]);
  return 'value' in port ? { value: { host, port: port.value } } : port;
}

function readSrvName(input: unknown): Reading<string> {
  const fault = (words: string) => ({ rule: 'invalid-srv-name', fault: `${show(input)} ${words}` });
  if (isAddress(input)) return fault(`is an address, for which DNS is not asked: write address: ${String(input)}`);
  if (typeof input === 'string' && /^[^:]+:\d+$/.test(input))
    return fault(`has a port, which the SRV records give: write ${show(input.replace(/:\d+$/, ''))}, or dns: instead`);
  const name = typeof input === 'string' ? hostOf(input.replace(/\.$/, '')) : undefined;
  if (name !== undefined) return { value: name };
  return fault('is not a name of SRV records: write letters, digits, _, - and dots, as in _chat._tcp.chat.internal');
}

/** An IP address, or what an endpoint is written as whose host is one. */
function isAddress(input: unknown): boolean {
  if (typeof input === 'string' && canonicalAddress(input.replace(/^\[(.*)\]$/, '$1')) !== undefined) return true;
  const reading = readEndpoint(input);
  return 'value' in reading && canonicalAddress(reading.value.host) !== undefined;
}
