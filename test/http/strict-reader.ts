/**
 * An HTTP/1.1 reader for recording backends and clients: shares no line with `src/http`, understands only the one
 * spelling that usher is to write, and calls everything else a violation.
 */

export type Strict =
  | { readonly kind: 'more' }
  | { readonly kind: 'violation'; readonly why: string }
  | {
      readonly kind: 'message';
      readonly length: number;
      readonly startLine: string;
      /** Lower-case name and value. */
      readonly fields: readonly (readonly [name: string, value: string])[];
      readonly body: string;
    };

const MORE = { kind: 'more' } as const;
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const FIELD = new RegExp(`^(${TOKEN}): ([\\t\\x20-\\x7e\\x80-\\xff]*)$`);
const REQUEST_LINE = new RegExp(`^${TOKEN} (?:/[!-~]*|\\*) HTTP/1\\.1$`);
const STATUS_LINE = /^HTTP\/1\.1 [1-9][0-9]{2} [\t\x20-\x7e\x80-\xff]*$/;
/** What a backend that folds marks would see under another name. */
const DISGUISED =
  /^(?:(?:content\Wlength|transfer\Wencoding|x\Wforwarded(?:\W.*)?|x\Wreal\Wip|keep\Walive|proxy\Wconnection)|forwarded)$/;
const PLAIN = new Set([
  'content-length',
  'transfer-encoding',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-host',
  'x-real-ip',
]);
const ONCE = [...PLAIN, 'host', 'upgrade', 'connection'];

const violation = (why: string): Strict => ({ kind: 'violation', why });

type Fields = [name: string, value: string][];

function fieldsOf(lines: readonly string[]): Fields | string {
  const fields: Fields = [];
  for (const line of lines) {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) return `not a field: ${JSON.stringify(line)}`;
    fields.push([name.toLowerCase(), value]);
  }
  return fields;
}

/** The first message of `text`. `head`: the answer to a HEAD request, which has no body. */
export function readStrictly(text: string, of: 'request' | 'response', head = false): Strict {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return /[^\r]\n|\r[^\n]/.test(text) ? violation('a bare CR or LF') : MORE;
  const [startLine = '', ...lines] = text.slice(0, end).split('\r\n');
  if (!(of === 'request' ? REQUEST_LINE : STATUS_LINE).test(startLine)) return violation(`start line ${startLine}`);
  const fields = fieldsOf(lines);
  if (typeof fields === 'string') return violation(fields);
  for (const name of ONCE) {
    if (fields.filter(([known]) => known === name).length > 1) return violation(`${name} is repeated`);
  }
  const fault = of === 'request' ? requestFault(fields) : undefined;
  if (fault !== undefined) return violation(fault);
  const body = bodyOf(text.slice(end + 4), fields, of === 'response' && (head || / (?:1..|204|304) /.test(startLine)));
  if (typeof body === 'string') return violation(body);
  if (body === undefined) return MORE;
  return { kind: 'message', length: end + 4 + body.length, startLine, fields, body: body.content };
}

function requestFault(fields: Fields): string | undefined {
  const all = new Map(fields);
  const host = all.get('host') ?? '';
  if (!/^[\w.:[\]~!$&'()*+,;=%-]+$/.test(host) || /%(?![0-9a-f]{2})/i.test(host)) return `Host is ${host}`;
  if (Number(/:([0-9]*)$/.exec(host)?.[1] ?? 0) > 65_535) return `Host is ${host}`;
  if (all.get('x-forwarded-for') !== '203.0.113.9') return `X-Forwarded-For is ${all.get('x-forwarded-for')}`;
  if (all.get('x-real-ip') !== '203.0.113.9') return `X-Real-IP is ${all.get('x-real-ip')}`;
  const disguised = fields.find(([name]) => DISGUISED.test(name.replaceAll('_', '.')) && !PLAIN.has(name));
  if (disguised !== undefined) return `${disguised[0]} is disguised`;
  const upgrade = all.get('upgrade');
  if (upgrade !== undefined && upgrade !== 'websocket') return `Upgrade is ${upgrade}`;
  if (all.get('connection') !== (upgrade === undefined ? undefined : 'Upgrade')) return 'Connection without Upgrade';
  const hop = fields.find(([name]) =>
    /^(?:te|keep-alive|proxy-(?:connection|authorization|authenticate)|http2-settings)$/.test(name),
  );
  return hop === undefined ? undefined : `${hop[0]} was passed on`;
}

type Body = { readonly content: string; readonly length: number };

function bodyOf(text: string, fields: Fields, none: boolean): Body | string | undefined {
  const all = new Map(fields);
  const length = all.get('content-length');
  const coding = all.get('transfer-encoding');
  if (length !== undefined && coding !== undefined) return 'a length and a coding';
  if (none) return { content: '', length: 0 };
  if (coding !== undefined) return coding === 'chunked' ? chunksOf(text) : `coding ${coding}`;
  if (length === undefined) return { content: '', length: 0 };
  if (!/^(?:0|[1-9][0-9]{0,14})$/.test(length)) return `length ${length}`;
  return text.length < Number(length) ? undefined : { content: text.slice(0, Number(length)), length: Number(length) };
}

function chunksOf(text: string): Body | string | undefined {
  let content = '';
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const line = text.slice(at, lineEnd);
    if (!/^(?:0|[1-9a-f][0-9a-f]{0,9})$/.test(line)) return `chunk line ${JSON.stringify(line)}`;
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (text.length < at + size + 2) return undefined;
    content += text.slice(at, at + size);
    at += size;
    if (text.slice(at, at + 2) !== '\r\n') return 'no CR LF behind a chunk';
    at += 2;
  }
  if (text.startsWith('\r\n', at)) return { content, length: at + 2 };
  const end = text.indexOf('\r\n\r\n', at);
  if (end < 0) return undefined;
  const trailers = fieldsOf(text.slice(at, end).split('\r\n'));
  return typeof trailers === 'string' ? trailers : { content, length: end + 4 };
}
