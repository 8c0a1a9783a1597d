/**
 * Version 1: one line of ASCII text (PP 2.1).
 *
 *     PROXY (TCP4|TCP6) SP source SP destination SP source-port SP destination-port CR LF
 *     PROXY UNKNOWN [anything printable] CR LF
 */
import { Buffer } from 'node:buffer';
import { canonicalAddress, type SocketAddress } from '../address.js';
import { bad, type Decoded, more, type ProxyHeader } from './header.js';
import { agrees, V1_SIGNATURE } from './signature.js';

/** The longest line that the specification allows, CR LF included. */
export const V1_MAX_BYTES = 107;

const CR = 0x0d;
const LF = 0x0a;
const FIRST_PRINTABLE = 0x20;
const LAST_PRINTABLE = 0x7e;
const MAX_PORT = 65535;
const PORT = /^(?:0|[1-9][0-9]{0,4})$/;

/** Family, two addresses, two ports. */
const FIELD_COUNT = 5;
const FIRST_PORT_FIELD = 3;
const FAMILIES: readonly string[] = ['TCP4', 'TCP6', 'UNKNOWN'];
/** What may be missing at the end of an address that is cut: one of these completes it, or nothing does. */
const ADDRESS_ENDINGS = ['', ':', '::', '0', '.0', '.0.0', '.0.0.0', '0.0', '0.0.0', '0.0.0.0'];
/** In canonical text: unspecified or multicast. No client has such an address, and no client can dial it. */
const NOT_UNICAST = /^(?:0\.0\.0\.0|::|2(?:2[4-9]|3[0-9])\..+|ff[0-9a-f]{2}:.+)$/;

/** Decodes bytes that begin with `P`; see `decodeProxyHeader`. */
export function decodeV1(bytes: Uint8Array, maxBytes: number): Decoded {
  if (!agrees(bytes, V1_SIGNATURE)) return bad('header-missing');
  if (bytes.length < V1_SIGNATURE.length) return more;
  const cap = Math.min(maxBytes, V1_MAX_BYTES);
  const line = bytes.subarray(0, cap);
  const end = printableEnd(line);
  const fields = fieldsOf(line.subarray(V1_SIGNATURE.length, end));
  const wanting = line.length < cap ? more : bad('header-too-long');
  if (end === line.length) return canBecomeLine(fields) ? wanting : bad('header-malformed');
  const header = line[end] === CR ? readFields(fields) : undefined;
  if (header === undefined) return bad('header-malformed');
  if (end + 1 === line.length) return wanting;
  return line[end + 1] === LF ? { kind: 'header', header, length: end + 2 } : bad('header-malformed');
}

/** The offset of the first byte that is not printable ASCII, the length where all are. */
function printableEnd(line: Uint8Array): number {
  const end = line.findIndex(byte => byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE);
  return end < 0 ? line.length : end;
}

function fieldsOf(text: Uint8Array): readonly string[] {
  return Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1').split(' ');
}

/** The header that a whole line says; undefined where it breaks the grammar. */
function readFields(fields: readonly string[]): ProxyHeader | undefined {
  const [family, from, to, fromPort, toPort, ...excess] = fields;
  if (family === 'UNKNOWN') return makeHeader('UNKNOWN', 'unspec', undefined, undefined);
  if ((family !== 'TCP4' && family !== 'TCP6') || excess.length > 0) return undefined;
  const source = readEndpoint(family, from, fromPort);
  const destination = readEndpoint(family, to, toPort);
  if (source === undefined || destination === undefined) return undefined;
  return makeHeader('PROXY', family === 'TCP4' ? 'inet' : 'inet6', source, destination);
}

/** A field that the line does not have is as bad as an empty one. */
function readEndpoint(family: string, text = '', port = ''): SocketAddress | undefined {
  const address = readAddress(family, text);
  if (address === undefined || NOT_UNICAST.test(address) || !isPort(port)) return undefined;
  return { address, port: Number(port) };
}

/** The family says how the address is written: `::ffff:1.2.3.4` is TCP6 only, `1.2.3.4` TCP4 only. */
function readAddress(family: string, text: string): string | undefined {
  return text.includes(':') === (family === 'TCP6') ? canonicalAddress(text) : undefined;
}

function isPort(text: string): boolean {
  return PORT.test(text) && Number(text) <= MAX_PORT;
}

function makeHeader(
  command: ProxyHeader['command'],
  family: ProxyHeader['family'],
  source: SocketAddress | undefined,
  destination: SocketAddress | undefined,
): ProxyHeader {
  const transport = family === 'unspec' ? 'unspec' : 'stream';
  return { version: 1, command, family, transport, source, destination, tlvs: [] };
}

/** Whether a line that is cut inside its last field can still become a header. */
function canBecomeLine(fields: readonly string[]): boolean {
  const [family = ''] = fields;
  if (family === 'UNKNOWN') return true;
  const last = fields.length - 1;
  return fields.every((text, index) => (index < last ? isField : isFieldStart)(family, index, text));
}

function isField(family: string, index: number, text: string): boolean {
  if (index === 0) return FAMILIES.includes(text);
  return index < FIRST_PORT_FIELD ? readEndpoint(family, text, '0') !== undefined : isPort(text);
}

function isFieldStart(family: string, index: number, text: string): boolean {
  if (index === 0) return FAMILIES.some(name => name.startsWith(text));
  if (index < FIRST_PORT_FIELD) return ADDRESS_ENDINGS.some(ending => readAddress(family, text + ending) !== undefined);
  return index < FIELD_COUNT && (text === '' || isPort(text));
}
