/** Messages that are nearly right: grown from a grammar with odd parts, then mutated. Characters are bytes. */
import { METHODS } from 'node:http';
import type { Chance } from './fuzz-random.js';

type Texts = readonly [string, ...string[]];

const TARGETS: Texts = [
  ...(['/', '/a', '/a/b?c=d&e', '//a', '/?', '/%00%0d%0a', '/a"b^c`d{e|f}g', "/~!$&'()*+,;=:@[]", '*'] as const),
  ...['http://b', 'http://b/', 'HTTP://b:80/x?y', 'https://[::1]:8/x', 'http://b?x', "http://a-b_c~!$&'()*+,;=%41/"],
];
const ODD_TARGETS: Texts = [
  '/a#b',
  '/a b',
  '/\xe9',
  '/\\',
  '/<',
  'a',
  'a:80',
  'http://a@b/',
  'http://',
  'ws://b/',
  'http:///x',
  '',
];
const VERSIONS: Texts = [
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1.10',
  'ICE/1.0',
];
const SPACES: Texts = ['  ', '\t', ' \t', '', '\x0b', '\xa0'];
const LINE_ENDS: Texts = ['\n', '\r', '\r\r\n', '\n\r', '\r\n ', '\r\n\t', '\r\n\r\n', ''];
const COLONS: Texts = [':', ': \t', ':\t', ' :', '\t: ', ': \r\n ', '::', ' ', ''];
const NAMES: Texts = [
  ...(['A', 'x-y', 'Cookie', 'Accept', "!#$%&'*+-.^_`|~09Az", 'Content_Length', 'Transfer_Encoding'] as const),
  ...['Date', 'Trailer', 'TE', 'Keep-Alive', 'X-Forwarded-For', 'Content-Length2', 'Proxy-Connection'],
];
const ODD_NAMES: Texts = ['a b', '\xe9', '', '"a"', '@', 'a\0', 'a\t', 'Content-Length', 'Transfer-Encoding'];
const TRAILERS: Texts = ['A', 'x-y', 'Date', 'Server-Timing'];
const VALUES: Texts = [
  'b',
  '',
  'b c',
  'b\tc',
  ' b ',
  '\t',
  '\xe9\xff\x80',
  'a: b',
  ',;="\\',
  '100-continue',
  'x'.repeat(300),
];
const ODD_VALUES: Texts = ['b\0c', 'b\x0bc', '\x7f', 'b\rc', 'b\nc', '\x01', 'b\r\n c', '\0', '\r', '\n'];
const CONNECTIONS: Texts = [
  'close',
  'keep-alive',
  'Close, x',
  'x',
  ',',
  'close\xa0',
  'keep-alive, close',
  'upgrade',
  '',
];
const LENGTHS: Texts = [
  ...(['0', '5', '005', '1', '10', '999999999999999', '1000000000000000', '18446744073709551616'] as const),
  ...['', '+5', '-5', '5,5', '5 5', '5a', '0x5', '5.0', '\xa05', '5\0', '5_0'],
];
const CODINGS: Texts = [
  ...(['chunked', 'Chunked', 'CHUNKED', 'chunked ', '\tchunked'] as const),
  ...['xchunked', 'chunkedx', 'chunked, chunked', 'gzip, chunked', 'chunked, gzip', 'identity', 'gzip', '', ','],
  ...['chunked,', ',chunked', '"chunked"', 'chunked;q=1', 'chunked\xa0', 'chunked\x0b', 'chunk ed'],
];
const EXTENSIONS: Texts = [';a', ';a=b', ';a="b"', ';a=b;c="d;\xe9 "', ';a=""', ';!#$=%&'];
const ODD_EXTENSIONS: Texts = [
  ...([';', ';;', ' ;a', '; a', ';a =b', ';a= b', ';a=', ';a="b', ';a="\\""', ';a="b"c', ';a=b"c"'] as const),
  ...[';\xe9', ' ', '\t', ';a\0', ';a="\0"', ';a="\t"', ';=b', `;${'a'.repeat(300)}`],
];
const STATUSES: Texts = [
  ...(['200 ', '200', '404 Not\tFound \xe9', '204 No Content', '304 Not Modified', '500 x', '999 x'] as const),
  ...['100 Continue', '103 Early Hints', '101 Switching Protocols', '205 Reset Content'],
];
const ODD_STATUSES: Texts = ['099 x', '20 x', '2000 x', '+20 x', '200\tOK', ' 200 OK', '600 a\rb', '201 a\0b', '', 'x'];
const CONTENTS: Texts = ['', 'x', 'hello', '\r\n', '0\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', '\0\xff', 'a'.repeat(40)];

/** How seldom something odd is. */
const ODDITY = 40;

/** Something usual, or once in a while something from the odd ones. */
function mostly(chance: Chance, usual: string, odd: Texts): string {
  return chance.onceIn(ODDITY) ? chance.pick(odd) : usual;
}

function fieldLine(chance: Chance, name: string, value: string): string {
  return name + mostly(chance, ': ', COLONS) + value + mostly(chance, '\r\n', chance.onceIn(4) ? LINE_ENDS : ['\r\n']);
}

function inAnyCase(chance: Chance, name: string): string {
  return chance.pick([name, name, name.toLowerCase(), name.toUpperCase()]);
}

function chunksOf(chance: Chance, content: string): string {
  let text = '';
  let rest = content;
  while (rest !== '') {
    const piece = rest.slice(0, 1 + chance.below(rest.length));
    rest = rest.slice(piece.length);
    text += chunkLine(chance, piece.length) + piece + mostly(chance, '\r\n', LINE_ENDS.slice(0, 2) as [string, string]);
  }
  text += chunkLine(chance, 0);
  if (chance.onceIn(4))
    text += fieldLine(
      chance,
      mostly(chance, chance.pick(TRAILERS), NAMES),
      mostly(chance, chance.pick(VALUES), ODD_VALUES),
    );
  return `${text}\r\n`;
}

function chunkLine(chance: Chance, size: number): string {
  const digits = chance.pick([size.toString(16), size.toString(16).toUpperCase(), `00${size.toString(16)}`]);
  const extension = mostly(chance, chance.onceIn(3) ? chance.pick(EXTENSIONS) : '', ODD_EXTENSIONS);
  return digits + extension + mostly(chance, '\r\n', chance.onceIn(3) ? LINE_ENDS : ['\r\n']);
}

/** Fields that frame a body, and the body: matching for the most part. */
function framing(chance: Chance): readonly [fields: string, body: string] {
  const content = chance.pick(CONTENTS);
  const length = () =>
    fieldLine(chance, inAnyCase(chance, 'Content-Length'), mostly(chance, String(content.length), LENGTHS));
  const coding = () => fieldLine(chance, inAnyCase(chance, 'Transfer-Encoding'), mostly(chance, 'chunked', CODINGS));
  switch (chance.below(16)) {
    case 0:
      return ['', content];
    case 1:
      return [length() + coding(), chance.onceIn(2) ? content : chunksOf(chance, content)];
    case 2:
      return [length() + length(), content];
    case 3:
    case 4:
    case 5:
      return [length(), content];
    case 6:
    case 7:
      return [length(), content];
    case 8:
    case 9:
    case 10:
    case 11:
      return [coding(), chunksOf(chance, content)];
    default:
      return ['', ''];
  }
}

function otherFields(chance: Chance): string {
  let text = '';
  for (let left = chance.below(4); left > 0; left -= 1) {
    text += fieldLine(
      chance,
      mostly(chance, chance.pick(NAMES), ODD_NAMES),
      mostly(chance, chance.pick(VALUES), ODD_VALUES),
    );
  }
  if (chance.onceIn(4)) text += fieldLine(chance, inAnyCase(chance, 'Connection'), chance.pick(CONNECTIONS));
  if (chance.onceIn(20)) text += fieldLine(chance, 'Expect', '100-continue');
  if (chance.onceIn(20)) text += fieldLine(chance, 'Upgrade', chance.pick(['h2c', 'websocket', 'x']));
  return text;
}

export function makeRequest(chance: Chance): string {
  const method = chance.onceIn(6)
    ? chance.pick(METHODS as [string, ...string[]])
    : chance.pick(['GET', 'POST', 'PUT', 'HEAD']);
  const target = mostly(chance, chance.onceIn(3) ? chance.pick(TARGETS) : '/', ODD_TARGETS);
  const line = method + mostly(chance, ' ', chance.onceIn(4) ? SPACES : [' ']) + target;
  const version = mostly(chance, ' ', chance.onceIn(4) ? SPACES : [' ']) + mostly(chance, 'HTTP/1.1', VERSIONS);
  const host = mostly(chance, 'Host: a\r\n', [
    '',
    'Host:\r\n',
    'Host: a\r\nHost: a\r\n',
    'host: [::1]:8\r\n',
    'Host: a b\r\n',
    'Host: a:\r\n',
    'Host: a:65536\r\n',
    'Host: %61%\r\n',
  ]);
  const [fields, body] = framing(chance);
  const parts = chance.onceIn(2) ? [host, otherFields(chance), fields] : [fields, host, otherFields(chance)];
  const front = chance.onceIn(20) ? chance.pick(['\r\n', '\n', '\r\n\r\n', ' ']) : '';
  const end = mostly(chance, '\r\n', chance.onceIn(3) ? LINE_ENDS : ['\r\n']);
  return (
    front +
    line +
    version +
    mostly(chance, '\r\n', chance.onceIn(4) ? LINE_ENDS : ['\r\n']) +
    parts.join('') +
    end +
    body
  );
}

export function makeResponse(chance: Chance): string {
  const status = mostly(chance, chance.onceIn(3) ? chance.pick(STATUSES) : '200 OK', ODD_STATUSES);
  const [fields, body] = framing(chance);
  const line = `${mostly(chance, 'HTTP/1.1', VERSIONS)} ${status}${mostly(chance, '\r\n', chance.onceIn(4) ? LINE_ENDS : ['\r\n'])}`;
  const end = mostly(chance, '\r\n', chance.onceIn(3) ? LINE_ENDS : ['\r\n']);
  return line + otherFields(chance) + fields + end + body;
}

const MARKS: Texts = [
  ...(['\r', '\n', '\r\n', ' ', '\t', '\0', ':', ';', ',', '=', '"', '\\', '0', '5', 'f', '-', '+', '_'] as const),
  ...['\x0b', '\x7f', '\x80', '\xa0', '\xff', 'chunked', 'Content-Length: 1\r\n', 'Transfer-Encoding: chunked\r\n'],
];

/** Changes a few bytes: overwrites, inserts, removes, repeats or cuts off. */
export function mutate(chance: Chance, text: string): string {
  let mutant = text;
  for (let left = chance.pick([1, 1, 2, 3]); left > 0; left -= 1) {
    const at = chance.below(mutant.length + 1);
    const to = Math.min(mutant.length, at + 1 + chance.below(chance.onceIn(3) ? 30 : 3));
    switch (chance.below(6)) {
      case 0:
        mutant = mutant.slice(0, at) + chance.pick(MARKS) + mutant.slice(at + 1);
        break;
      case 1:
        mutant = mutant.slice(0, at) + chance.pick(MARKS) + mutant.slice(at);
        break;
      case 2:
        mutant = mutant.slice(0, at) + mutant.slice(to);
        break;
      case 3:
        mutant = mutant.slice(0, to) + mutant.slice(at);
        break;
      case 4:
        mutant = mutant.slice(0, at) + String.fromCharCode(chance.below(256)) + mutant.slice(at + 1);
        break;
      default:
        if (chance.onceIn(4)) mutant = mutant.slice(0, at);
    }
  }
  return mutant;
}

/** One to three requests on one connection, every third one mutated. */
export function makeRequests(chance: Chance): string {
  let text = '';
  for (let left = chance.pick([1, 1, 2, 3]); left > 0; left -= 1) text += makeRequest(chance);
  return chance.onceIn(3) ? mutate(chance, text) : text;
}

/** A response, sometimes behind interim ones, every third one mutated. */
export function makeResponses(chance: Chance): string {
  let text = chance.onceIn(8) ? 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n' : '';
  text += makeResponse(chance);
  if (chance.onceIn(8)) text += makeResponse(chance);
  return chance.onceIn(3) ? mutate(chance, text) : text;
}
