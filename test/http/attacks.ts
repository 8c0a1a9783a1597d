/**
 * Ways to make two parsers disagree about where a request begins, ends or comes from. `§` stands for a name that only
 * this case has; `<smuggled>` for a request that no backend may ever see as one.
 */
import type { Code } from '../../src/codes.js';

export interface Attack {
  /** Family, clause and what is done. */
  readonly name: string;
  readonly bytes: string;
  /** What backends must have seen, in order: method, target, host and body; nothing else, nothing more. */
  readonly sees: readonly string[];
  /** How usher refuses; undefined: it answers every request that `sees` names and nothing else. */
  readonly code: Code | undefined;
}

const SMUGGLED = 'GET /smuggled/§ HTTP/1.1\r\nHost: §\r\n\r\n';

function attack(name: string, bytes: string, sees: readonly string[], code?: Code): Attack {
  return { name, bytes: bytes.replaceAll('<smuggled>', SMUGGLED), sees: sees.map(whole), code };
}

function whole(request: string): string {
  return request.replaceAll('<smuggled>', SMUGGLED);
}

type Named = readonly [name: string, lines: string, code?: Code];

const HOST = 'Host: §\r\n';
const SEEN = 'POST /§ § ';

/** A POST with these field lines whose body is `body`; nothing of it may reach a backend. */
function refusedPosts(family: string, body: string, cases: readonly Named[], code: Code): Attack[] {
  return cases.map(([name, lines, own]) =>
    attack(`${family}: ${name}`, `POST /§ HTTP/1.1\r\n${HOST}${lines}\r\n\r\n${body}`, [], own ?? code),
  );
}

const CHUNKED_BODY = '0\r\n\r\n<smuggled>';
const AMBIGUOUS: Code = 'framing-ambiguous';

const lengthAndCoding = refusedPosts(
  'CL.TE, RFC 9112 6.3',
  CHUNKED_BODY,
  [
    ['a length, then a coding', 'Content-Length: 60\r\nTransfer-Encoding: chunked'],
    ['a coding, then a length', 'Transfer-Encoding: chunked\r\nContent-Length: 60'],
    ['length 0', 'Content-Length: 0\r\nTransfer-Encoding: chunked'],
    ['lower case', 'content-length: 5\r\ntransfer-encoding: chunked'],
    ['mixed case', 'cOnTeNt-lEnGtH: 5\r\ntRaNsFeR-eNcOdInG: ChUnKeD'],
    ['an unknown coding', 'Content-Length: 5\r\nTransfer-Encoding: x'],
    ['an empty coding', 'Content-Length: 5\r\nTransfer-Encoding:'],
    ['identity', 'Content-Length: 5\r\nTransfer-Encoding: identity'],
    ['two codings', 'Content-Length: 5\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked'],
    ['a malformed length', 'Content-Length: x\r\nTransfer-Encoding: chunked'],
    ['an empty length', 'Content-Length:\r\nTransfer-Encoding: chunked'],
    ['fields between them', 'Content-Length: 5\r\nA: b\r\nC: d\r\nTransfer-Encoding: chunked'],
    ['named in Connection', 'Connection: Content-Length\r\nContent-Length: 5\r\nTransfer-Encoding: chunked'],
    ['coding named in Connection', 'Connection: Transfer-Encoding\r\nContent-Length: 5\r\nTransfer-Encoding: chunked'],
  ],
  AMBIGUOUS,
);

const codings = refusedPosts(
  'TE.TE, RFC 9112 6.1',
  CHUNKED_BODY,
  [
    ['chunked, chunked', 'Transfer-Encoding: chunked, chunked'],
    ['chunked twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
    ['chunked, identity', 'Transfer-Encoding: chunked, identity'],
    ['identity, chunked', 'Transfer-Encoding: identity, chunked'],
    ['identity', 'Transfer-Encoding: identity'],
    ['chunked and cow', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: cow'],
    ['cow and chunked', 'Transfer-Encoding: cow\r\nTransfer-Encoding: chunked'],
    ['gzip, chunked', 'Transfer-Encoding: gzip, chunked'],
    ['chunked, gzip', 'Transfer-Encoding: chunked, gzip'],
    ['deflate', 'Transfer-Encoding: deflate'],
    ['xchunked', 'Transfer-Encoding: xchunked'],
    ['chunkedx', 'Transfer-Encoding: chunkedx'],
    ['x-chunked', 'Transfer-Encoding: x-chunked'],
    ['chunked-x', 'Transfer-Encoding: chunked-x'],
    ['in quotes', 'Transfer-Encoding: "chunked"'],
    ['in single quotes', "Transfer-Encoding: 'chunked'"],
    ['with a parameter', 'Transfer-Encoding: chunked;a=b'],
    ['with q', 'Transfer-Encoding: chunked;q=0.5'],
    ['a comma in front', 'Transfer-Encoding: ,chunked'],
    ['a comma behind', 'Transfer-Encoding: chunked,'],
    ['a no-break space in front', 'Transfer-Encoding: \xa0chunked'],
    ['a no-break space behind', 'Transfer-Encoding: chunked\xa0'],
    ['0x85 behind', 'Transfer-Encoding: chunked\x85'],
    ['a byte order mark', 'Transfer-Encoding: \xef\xbb\xbfchunked'],
    ['a letter that looks like k', 'Transfer-Encoding: chun\xe2\x84\xaaed'],
    ['empty', 'Transfer-Encoding:'],
    ['blanks', 'Transfer-Encoding: \t '],
    ['a space inside', 'Transfer-Encoding: chu nked'],
    ['twice in one value', 'Transfer-Encoding: chunked chunked'],
    ['a colon in front', 'Transfer-Encoding: :chunked'],
    ['the name again', 'Transfer-Encoding: Transfer-Encoding: chunked'],
    ['a vertical tab in front', 'Transfer-Encoding: \x0bchunked', 'field-value-invalid'],
    ['a vertical tab behind', 'Transfer-Encoding: chunked\x0b', 'field-value-invalid'],
    ['a form feed', 'Transfer-Encoding:\x0cchunked', 'field-value-invalid'],
    ['a NUL behind', 'Transfer-Encoding: chunked\0', 'field-value-invalid'],
    ['a NUL in front', 'Transfer-Encoding: \0chunked', 'field-value-invalid'],
    ['a backspace', 'Transfer-Encoding: chunkedx\x08', 'field-value-invalid'],
    ['DEL', 'Transfer-Encoding: chunked\x7f', 'field-value-invalid'],
    ['folded', 'Transfer-Encoding:\r\n chunked', 'field-folded'],
    ['folded with a tab', 'Transfer-Encoding:\r\n\tchunked', 'field-folded'],
    ['folded in the middle', 'Transfer-Encoding: chun\r\n ked', 'field-folded'],
    ['folded from another field', 'A: b\r\n Transfer-Encoding: chunked', 'field-folded'],
    ['first field folded', ' Transfer-Encoding: chunked', 'field-folded'],
    ['a space in front of the colon', 'Transfer-Encoding : chunked', 'field-name-invalid'],
    ['a tab in front of the colon', 'Transfer-Encoding\t: chunked', 'field-name-invalid'],
    ['a vertical tab in front of the colon', 'Transfer-Encoding\x0b: chunked', 'field-name-invalid'],
    ['a NUL in front of the colon', 'Transfer-Encoding\0: chunked', 'field-name-invalid'],
    ['a NUL in the name', 'Transfer\0-Encoding: chunked', 'field-name-invalid'],
    ['a NUL in front of the name', '\0Transfer-Encoding: chunked', 'field-name-invalid'],
    ['a space in the name', 'Transfer Encoding: chunked', 'field-name-invalid'],
    ['not ASCII in the name', 'Transfer-Encoding\xa0: chunked', 'field-name-invalid'],
    ['no colon', 'Transfer-Encoding chunked', 'field-name-invalid'],
    ['no name', ': Transfer-Encoding: chunked', 'field-name-invalid'],
    ['a CR in front of the colon', 'Transfer-Encoding\r: chunked', 'field-name-invalid'],
    ['behind a bare LF', 'A: b\nTransfer-Encoding: chunked', 'line-ending-invalid'],
    ['behind a bare CR', 'A: b\rTransfer-Encoding: chunked', 'line-ending-invalid'],
    ['behind CR CR LF', 'A: b\r\r\nTransfer-Encoding: chunked', 'line-ending-invalid'],
    ['behind LF CR', 'A: b\n\rTransfer-Encoding: chunked', 'line-ending-invalid'],
    ['behind an empty line of LF', 'A: b\n\nTransfer-Encoding: chunked', 'line-ending-invalid'],
    ['behind an empty line of CR', 'A: b\r\n\rTransfer-Encoding: chunked', 'line-ending-invalid'],
    ['ended by a CR', 'Transfer-Encoding: chunked\r', 'line-ending-invalid'],
  ],
  'transfer-coding-invalid',
);

const codingIn10 = ['chunked', 'identity', 'gzip, chunked'].map(value =>
  attack(
    `TE, RFC 9112 6.1: ${value} in HTTP/1.0`,
    `POST /§ HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: ${value}\r\n\r\n${CHUNKED_BODY}`,
    [],
    AMBIGUOUS,
  ),
);

const lengths = refusedPosts(
  'CL.CL, RFC 9112 6.3',
  'hello<smuggled>',
  [
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 0', AMBIGUOUS],
    ['the same length twice', 'Content-Length: 5\r\nContent-Length: 5', AMBIGUOUS],
    ['two lengths in two cases', 'Content-Length: 5\r\ncontent-length: 6', AMBIGUOUS],
    ['three lengths', 'Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 6', AMBIGUOUS],
    ['a length and an empty one', 'Content-Length: 5\r\nContent-Length:', AMBIGUOUS],
    ['a list', 'Content-Length: 5, 5'],
    ['a list of two lengths', 'Content-Length: 5,0'],
    ['a list with an empty member', 'Content-Length: 5,'],
    ['empty', 'Content-Length:'],
    ['+', 'Content-Length: +5'],
    ['-', 'Content-Length: -5'],
    ['-0', 'Content-Length: -0'],
    ['hexadecimal', 'Content-Length: 0x5'],
    ['octal', 'Content-Length: 0o5'],
    ['a fraction', 'Content-Length: 5.0'],
    ['an exponent', 'Content-Length: 5e0'],
    ['an underscore', 'Content-Length: 0_5'],
    ['a space inside', 'Content-Length: 5 0'],
    ['a letter behind', 'Content-Length: 5a'],
    ['a semicolon', 'Content-Length: 5;x'],
    ['in quotes', 'Content-Length: "5"'],
    ['a no-break space', 'Content-Length: 5\xa0'],
    ['Arabic digits', 'Content-Length: \xd9\xa5'],
    ['2^32 + 5', `Content-Length: ${'0'.repeat(10)}4294967301`],
    ['2^64 + 5', 'Content-Length: 18446744073709551621'],
    ['2^53 + 1', 'Content-Length: 9007199254740993'],
    ['a tab inside', 'Content-Length: 5\t5'],
    ['a NUL', 'Content-Length: 5\0', 'field-value-invalid'],
    ['a vertical tab', 'Content-Length: \x0b5', 'field-value-invalid'],
    ['folded', 'Content-Length:\r\n 5', 'field-folded'],
    ['folded to more digits', 'Content-Length: 5\r\n 0', 'field-folded'],
    ['a space in front of the colon', 'Content-Length : 5', 'field-name-invalid'],
    ['a tab in front of the colon', 'Content-Length\t: 5', 'field-name-invalid'],
    ['behind a bare LF', 'A: b\nContent-Length: 5', 'line-ending-invalid'],
    ['behind a bare CR', 'A: b\rContent-Length: 5', 'line-ending-invalid'],
  ],
  'content-length-invalid',
);

/** Bodies that usher does frame: what looks like a request in them stays content. */
const framed: Attack[] = [
  attack(
    'RFC 9112 6.2: a request as content of a length',
    `POST /§ HTTP/1.1\r\n${HOST}Content-Length: <length>\r\n\r\n<smuggled>`,
    [`${SEEN}<smuggled>`],
  ),
  attack(
    'RFC 9112 7.1: a request as content of a chunk',
    `POST /§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n<hex>\r\n<smuggled>\r\n0\r\n\r\n`,
    [`${SEEN}<smuggled>`],
  ),
  attack(
    'RFC 9112 7.1: the end of a chunked body as content of a chunk',
    `POST /§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n`,
    [`${SEEN}0\r\n\r\n`],
  ),
  attack('RFC 9112 6.3: GET with a length', `GET /§ HTTP/1.1\r\n${HOST}Content-Length: <length>\r\n\r\n<smuggled>`, [
    'GET /§ § <smuggled>',
  ]),
  attack(
    'RFC 9112 6.3: DELETE with chunks (CVE-2026-29057)',
    `DELETE /§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n<hex>\r\n<smuggled>\r\n0\r\n\r\n`,
    ['DELETE /§ § <smuggled>'],
  ),
  attack(
    'RFC 9112 6.3: OPTIONS with chunks (CVE-2026-29057)',
    `OPTIONS /§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n<hex>\r\n<smuggled>\r\n0\r\n\r\n`,
    ['OPTIONS /§ § <smuggled>'],
  ),
  attack(
    'RFC 9112 6.3: HEAD with a length',
    `HEAD /§ HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhelloGET /§/2 HTTP/1.1\r\n${HOST}\r\n`,
    ['HEAD /§ § hello', 'GET /§/2 § '],
  ),
  attack(
    'RFC 9112 9.3.2: two requests in one segment are two',
    `POST /§ HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhelloGET /§/2 HTTP/1.1\r\n${HOST}\r\n`,
    [`${SEEN}hello`, 'GET /§/2 § '],
  ),
  attack(
    'RFC 9110 8.6: leading zeros are sent as what they mean',
    `POST /§ HTTP/1.1\r\n${HOST}Content-Length: 010\r\n\r\n0123456789`,
    [`${SEEN}0123456789`],
  ),
  attack(
    'RFC 9112 6.3: no length, no body: what follows is the next request',
    `POST /§ HTTP/1.1\r\n${HOST}\r\nGET /§/2 HTTP/1.1\r\n${HOST}\r\n`,
    [SEEN, 'GET /§/2 § '],
  ),
  attack(
    'RFC 9112 6.3: length 0 and a body that is no request',
    `POST /§ HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n{"a": 1}\r\n<smuggled>`,
    [SEEN],
    'method-invalid',
  ),
  attack(
    'RFC 9112 6.3: a body longer than its length',
    `POST /§ HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nhello\r\n<smuggled>`,
    [`${SEEN}hell`],
    'method-invalid',
  ),
  attack(
    'RFC 9112 6.1: white space around chunked is none',
    `POST /§ HTTP/1.1\r\n${HOST}Transfer-Encoding:\t chunked  \r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    [`${SEEN}hello`],
  ),
  attack(
    'RFC 9112 6.1: a tab behind chunked, which parsers read in two ways',
    `POST /§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\t\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    [],
    'transfer-coding-invalid',
  ),
  attack(
    'RFC 9112 6.3: a tab behind a length, which parsers read in two ways',
    `POST /§ HTTP/1.1\r\n${HOST}Content-Length: 5\t\r\n\r\nhello`,
    [],
    'content-length-invalid',
  ),
  attack(
    'RFC 9112 9.3: nothing behind Connection: close is a request',
    `GET /§ HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n<smuggled>`,
    ['GET /§ § '],
  ),
  attack('RFC 9112 9.3: nothing behind an HTTP/1.0 request is a request', `GET /§ HTTP/1.0\r\n${HOST}\r\n<smuggled>`, [
    'GET /§ § ',
  ]),
  attack(
    'RFC 9112 6.3: a body that never ends is not sent whole',
    `POST /§ HTTP/1.1\r\n${HOST}Content-Length: 99\r\n\r\nx`,
    [],
  ),
];

/** Names that backends of the CGI family fold into framing fields: they are dropped, so the body is the next head. */
const disguised = [
  'Transfer_Encoding',
  'TRANSFER_ENCODING',
  'Transfer.Encoding',
  'Transfer-Encoding_',
  'Transfer-Encodin',
].map(name =>
  attack(
    `RFC 3875 4.1.18: ${name} frames nothing`,
    `POST /§ HTTP/1.1\r\n${HOST}${name}: chunked\r\n\r\n<hex> \r\n<smuggled>\r\n0\r\n\r\n`,
    [SEEN],
    'target-invalid',
  ),
);

const disguisedLengths = ['Content_Length', 'content.length', 'Content-Length_', 'ContentLength'].map(name =>
  attack(
    `RFC 3875 4.1.18: ${name} frames nothing`,
    `POST /§ HTTP/1.1\r\n${HOST}${name}: 5\r\n\r\nhello\r\n<smuggled>`,
    [SEEN],
    'method-invalid',
  ),
);

const startLines = (
  [
    ['two spaces behind the method', 'GET  /§ HTTP/1.1', 'target-invalid'],
    ['two spaces behind the target', 'GET /§  HTTP/1.1', 'request-line-invalid'],
    ['a space in the target', 'GET /§ /smuggled HTTP/1.1', 'request-line-invalid'],
    ['a tab behind the method', 'GET\t/§ HTTP/1.1', 'method-invalid'],
    ['a tab behind the target', 'GET /§\tHTTP/1.1', 'target-invalid'],
    ['a vertical tab behind the method', 'GET\x0b/§ HTTP/1.1', 'method-invalid'],
    ['a space in front', ' GET /§ HTTP/1.1', 'method-invalid'],
    ['a space behind', 'GET /§ HTTP/1.1 ', 'request-line-invalid'],
    ['HTTP/0.9', 'GET /§', 'target-invalid'],
    ['HTTP/1.2', 'GET /§ HTTP/1.2', 'version-unsupported'],
    ['HTTP/2', 'GET /§ HTTP/2.0', 'version-unsupported'],
    ['HTTP/1.10', 'GET /§ HTTP/1.10', 'request-line-invalid'],
    ['HTTP/01.1', 'GET /§ HTTP/01.1', 'version-unsupported'],
    ['lower-case http', 'GET /§ http/1.1', 'request-line-invalid'],
    ['a NUL in the target', 'GET /§\0 HTTP/1.1', 'target-invalid'],
    ['a CR in the target', 'GET /§\rX HTTP/1.1', 'target-invalid'],
    ['an LF in the target', 'GET /§ HTTP/1.1\nX: GET /smuggled/§ HTTP/1.1', 'line-ending-invalid'],
    ['not ASCII in the target', 'GET /§\xe9 HTTP/1.1', 'target-invalid'],
    ['a fragment', 'GET /§#/smuggled HTTP/1.1', 'target-invalid'],
    ['a backslash', 'GET \\§ HTTP/1.1', 'target-invalid'],
    ['an authority', 'GET §:80 HTTP/1.1', 'target-invalid'],
    ['* with GET', 'GET * HTTP/1.1', 'target-invalid'],
    ['userinfo', 'GET http://a@§/§ HTTP/1.1', 'target-invalid'],
    ['another scheme', 'GET gopher://§/ HTTP/1.1', 'target-invalid'],
    ['an empty authority', 'GET http:///§ HTTP/1.1', 'target-invalid'],
    ['CONNECT', 'CONNECT §:443 HTTP/1.1', 'method-refused'],
    ['TRACE', 'TRACE /§ HTTP/1.1', 'method-refused'],
    ['a method with a CR', 'GE\rT /§ HTTP/1.1', 'method-invalid'],
    ['a method with a colon', 'GET: /§ HTTP/1.1', 'method-invalid'],
    ['the HTTP/2 preface', 'PRI * HTTP/2.0', 'version-unsupported'],
    ['too long a line', `GET /§${'a'.repeat(8200)} HTTP/1.1`, 'start-line-too-long'],
  ] as const
).map(([name, line, code]) =>
  attack(`request line, RFC 9112 3: ${name}`, `${line}\r\n${HOST}\r\n<smuggled>`, [], code),
);

const lineEndings: Attack[] = [
  attack('line, RFC 9112 2.2: LF everywhere', 'GET /§ HTTP/1.1\nHost: §\n\n', [], 'line-ending-invalid'),
  attack(
    'line, RFC 9112 2.2: LF as the empty line',
    `GET /§ HTTP/1.1\r\n${HOST}\n<smuggled>`,
    [],
    'line-ending-invalid',
  ),
  attack(
    'line, RFC 9112 2.2: CR as the empty line',
    `GET /§ HTTP/1.1\r\n${HOST}\r<smuggled>`,
    [],
    'line-ending-invalid',
  ),
  attack('line, RFC 9112 2.2: LF behind Host', 'GET /§ HTTP/1.1\r\nHost: §\n\r\n<smuggled>', [], 'line-ending-invalid'),
  attack(
    'line, RFC 9112 2.2: two empty lines in front',
    `\r\n\r\nGET /§ HTTP/1.1\r\n${HOST}\r\n`,
    [],
    'method-invalid',
  ),
  attack('line, RFC 9112 2.2: LF in front', `\nGET /§ HTTP/1.1\r\n${HOST}\r\n`, [], 'method-invalid'),
  attack('line, RFC 9112 2.2: one empty line in front', `\r\nGET /§ HTTP/1.1\r\n${HOST}\r\n`, ['GET /§ § ']),
  attack(
    'line, RFC 9112 2.2: one empty line behind a body',
    `POST /§ HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\nx\r\nGET /§/2 HTTP/1.1\r\n${HOST}\r\n`,
    [`${SEEN}x`, 'GET /§/2 § '],
  ),
  attack('field, RFC 9110 5.5: a header in a value', `GET /§ HTTP/1.1\r\n${HOST}A: b\\r\\nX-Real-IP: 1.1.1.1\r\n\r\n`, [
    'GET /§ § ',
  ]),
  attack(
    'field, RFC 9110 5.5: a NUL hides a header',
    `GET /§ HTTP/1.1\r\n${HOST}A: b\0C: d\r\n\r\n`,
    [],
    'field-value-invalid',
  ),
  attack(
    'limit, RFC 6585 5: 101 fields',
    `GET /§ HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(100)}\r\n<smuggled>`,
    [],
    'too-many-fields',
  ),
  attack(
    'limit, RFC 6585 5: a head of 33 kB',
    `GET /§ HTTP/1.1\r\n${HOST}A: ${'b'.repeat(33_000)}\r\n\r\n<smuggled>`,
    [],
    'head-too-large',
  ),
  attack(
    'a second PROXY header is payload',
    'PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET /§ HTTP/1.1\r\nHost: §\r\n\r\n',
    [],
    'request-line-invalid',
  ),
  attack(
    'a PROXY v2 header is payload',
    '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0cGET /§ HTTP/1.1\r\n\r\n',
    [],
    'method-invalid',
  ),
];

const hosts = (
  [
    ['missing', '', 'host-missing'],
    ['repeated', 'Host: §\r\nHost: evil\r\n', 'host-repeated'],
    ['repeated and equal', 'Host: §\r\nhOST: §\r\n', 'host-repeated'],
    ['empty', 'Host:\r\n', 'host-invalid'],
    ['a list', 'Host: §, evil\r\n', 'host-invalid'],
    ['userinfo', 'Host: §@evil\r\n', 'host-invalid'],
    ['a path', 'Host: §/evil\r\n', 'host-invalid'],
    ['a query', 'Host: §?evil\r\n', 'host-invalid'],
    ['a backslash', 'Host: §\\evil\r\n', 'host-invalid'],
    ['a quote that would end Forwarded', 'Host: §";for=1.1.1.1\r\n', 'host-invalid'],
    ['a space', 'Host: § evil\r\n', 'host-invalid'],
    ['a port that is none', 'Host: §:80x\r\n', 'host-invalid'],
    ['two ports', 'Host: §:80:81\r\n', 'host-invalid'],
    ['a port above all', 'Host: §:65536\r\n', 'host-invalid'],
    ['an escape that is none', 'Host: §%0\r\n', 'host-invalid'],
    ['an escape that would be one behind another', 'Host: §%%30\r\n', 'host-invalid'],
    ['folded', 'Host: §\r\n evil\r\n', 'field-folded'],
    ['with a space in front of the colon', 'Host : §\r\n', 'field-name-invalid'],
    ['with a NUL', 'Host: §\0evil\r\n', 'field-value-invalid'],
  ] as const
).map(([name, lines, code]) =>
  attack(`Host, RFC 9112 3.2: ${name}`, `GET /§ HTTP/1.1\r\n${lines}\r\n<smuggled>`, [], code),
);

const authorities: Attack[] = [
  attack('Host, RFC 3986 3.2.3: an empty port', 'GET /§ HTTP/1.1\r\nHost: §:\r\n\r\n', ['GET /§ §: ']),
  attack('Host, RFC 3986 2.1: an escape', 'GET /§ HTTP/1.1\r\nHost: §%2E\r\n\r\n', ['GET /§ §%2E ']),
  attack(
    'Host, RFC 9112 3.2.2: an absolute form with a port above all',
    `GET http://§:65536/§ HTTP/1.1\r\n${HOST}\r\n`,
    [],
    'target-invalid',
  ),
  attack('Host, RFC 9112 3.2.2: an absolute form wins', 'GET http://§/§ HTTP/1.1\r\nHost: evil\r\n\r\n', ['GET /§ § ']),
  attack('Host, RFC 9112 3.2.2: an absolute form in HTTP/1.0', 'GET http://§/§ HTTP/1.0\r\n\r\n', ['GET /§ § ']),
  attack('Host, RFC 9112 3.2.2: an absolute form needs Host', 'GET http://§/§ HTTP/1.1\r\n\r\n', [], 'host-missing'),
  attack('Host, RFC 9112 3.2.2: a query behind the authority', `GET http://§?/../§ HTTP/1.1\r\n${HOST}\r\n`, [
    'GET /?/../§ § ',
  ]),
  attack('Host, RFC 9112 3.2.4: OPTIONS ends like its authority', `OPTIONS http://§/§ HTTP/1.1\r\n${HOST}\r\n`, [
    'OPTIONS /§ § ',
  ]),
  attack('Host, RFC 9112 3.2.4: OPTIONS *', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, ['OPTIONS * § ']),
  attack('target, RFC 9112 3.2.1: two slashes stay', `GET //evil/§ HTTP/1.1\r\n${HOST}\r\n`, ['GET //evil/§ § ']),
  attack('target, RFC 9112 3.2.1: an encoded CR LF stays encoded', `GET /§%0d%0aX:%20y HTTP/1.1\r\n${HOST}\r\n`, [
    'GET /§%0d%0aX:%20y § ',
  ]),
];

const chunks = (
  [
    ['no size', '\r\nhello\r\n'],
    ['a space in front of the size', ' 5\r\nhello\r\n'],
    ['a space behind the size', '5 \r\nhello\r\n'],
    ['a tab behind the size', '5\t\r\nhello\r\n'],
    ['+', '+5\r\nhello\r\n'],
    ['-', '-5\r\nhello\r\n'],
    ['0x', '0x5\r\nhello\r\n'],
    ['an underscore', '0_5\r\nhello\r\n'],
    ['a letter that is no digit', '5z\r\nhello\r\n'],
    ['2^64 + 5', '10000000000000005\r\nhello\r\n'],
    ['2^32 + 5 with zeros', '000000000100000005\r\nhello\r\n'],
    ['LF behind the size', '5\nhello\r\n'],
    ['CR behind the size', '5\rhello\r\n'],
    ['a NUL behind the size', '5\0\r\nhello\r\n'],
    ['CR CR LF', '5\r\r\nhello\r\n'],
    ['LF behind an extension (CVE-2025-22871)', '5;a\nhello\r\n'],
    ['CR behind an extension', '5;a\rhello\r\n'],
    ['a CR LF in a quoted extension', '5;a="\r\n"\r\nhello\r\n'],
    ['an empty extension', '5;\r\nhello\r\n'],
    ['an extension behind a space', '5 ;a\r\nhello\r\n'],
    ['an endless extension', `5;${'a'.repeat(400)}\r\nhello\r\n`],
    ['too short a size', '4\r\nhello\r\n'],
    ['too long a size', '6\r\nhello\r\n'],
    ['no CR LF behind the chunk', '5\r\nhello'],
    ['LF behind the chunk', '5\r\nhello\n'],
    ['two bytes instead of CR LF (CVE-2024-53868 and kin)', '5\r\nhelloXX'],
    ['LF behind the last size', '0\n\r\n'],
    ['a space behind the last size', '0 \r\n\r\n'],
    ['a comma behind the size', '5,\r\nhello\r\n'],
    ['a list of sizes', '5,5\r\nhello\r\n'],
  ] as const
).map(([name, body]) =>
  attack(
    `chunk, RFC 9112 7.1: ${name}`,
    `POST /§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n<smuggled>`,
    [],
    'chunk-invalid',
  ),
);

const goodChunks: Attack[] = [
  attack(
    'chunk, RFC 9112 7.1.1: extensions are dropped',
    `POST /§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5;a="<b>";c\r\nhello\r\n0;d=e\r\n\r\n`,
    [`${SEEN}hello`],
  ),
  attack(
    'chunk, RFC 9112 7.1: leading zeros are dropped',
    `POST /§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0000000005\r\nhello\r\n000\r\n\r\n`,
    [`${SEEN}hello`],
  ),
  attack(
    'chunk, RFC 9112 7.1: a request behind the end is the next request',
    `POST /§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /§/2 HTTP/1.1\r\n${HOST}\r\n`,
    [SEEN, 'GET /§/2 § '],
  ),
];

const trailers = (
  [
    ['a length', 'Content-Length: 50'],
    ['a coding', 'Transfer-Encoding: chunked'],
    ['Host', 'Host: evil'],
    ['X-Forwarded-For', 'X-Forwarded-For: 1.1.1.1'],
    ['X_Real_IP', 'X_Real_IP: 1.1.1.1'],
    ['Connection', 'Connection: close'],
    ['a disguised length', 'Content_Length: 50'],
    ['Authorization', 'Authorization: Basic eA=='],
    ['Cookie', 'Cookie: a=b'],
    ['a space in front of the colon', 'A : b'],
    ['a folded line', 'A: b\r\n c'],
    ['LF', 'A: b\nC: d'],
    ['CR', 'A: b\rC: d'],
    ['a NUL', 'A: \0'],
    ['no colon', 'A'],
    ['a request', 'GET /smuggled/§ HTTP/1.1\r\nHost: §'],
  ] as const
).map(([name, line]) =>
  attack(
    `trailer, RFC 9110 6.5: ${name}`,
    `POST /§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n${line}\r\n\r\n<smuggled>`,
    [],
    'trailer-invalid',
  ),
);

/** The strict reader checks that each of these reaches the backend with usher's own word about the client. */
const forged = [
  'X-Forwarded-For: 1.1.1.1',
  'X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2',
  'x-forwarded-for: 1.1.1.1',
  'X_Forwarded_For: 1.1.1.1',
  'x.forwarded.for: 1.1.1.1',
  'X-Real-IP: 1.1.1.1',
  'X_REAL_IP: 1.1.1.1',
  'Forwarded: for=1.1.1.1',
  'FORWARDED: for=1.1.1.1;host=evil',
  'X-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1',
  'Connection: X-Forwarded-For',
  'Connection: close, X-Real-IP, X-Forwarded-For, Host',
  'Connection: Transfer-Encoding, Content-Length',
  'Keep-Alive: timeout=99\r\nProxy-Connection: keep-alive\r\nTE: trailers',
  'Proxy-Authorization: Basic eA==',
].map(lines =>
  attack(`forged, RFC 9110 7.6.1: ${lines.replaceAll('\r\n', ' | ')}`, `GET /§ HTTP/1.1\r\n${HOST}${lines}\r\n\r\n`, [
    'GET /§ § ',
  ]),
);

const WEBSOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';

const upgrades: Attack[] = [
  attack(
    'upgrade, RFC 9110 7.8: h2c is not forwarded',
    `GET /§ HTTP/1.1\r\n${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
    ['GET /§ § '],
  ),
  attack('upgrade, RFC 9110 7.8: no tunnel without 101', `GET /§ HTTP/1.1\r\n${HOST}${WEBSOCKET}\r\n<smuggled>`, [
    'GET /§ § ',
  ]),
  attack(
    'upgrade, RFC 6455 4.4: a version that is not 13',
    `GET /§ HTTP/1.1\r\n${HOST}${WEBSOCKET.replace('13', '777')}\r\n<smuggled>`,
    [],
    'upgrade-version',
  ),
  attack('upgrade, RFC 6455 4.1: POST', `POST /§ HTTP/1.1\r\n${HOST}${WEBSOCKET}\r\n<smuggled>`, [], 'upgrade-invalid'),
  attack(
    'upgrade, RFC 6455 4.1: a body',
    `GET /§ HTTP/1.1\r\n${HOST}${WEBSOCKET}Content-Length: 5\r\n\r\nhello<smuggled>`,
    [],
    'upgrade-invalid',
  ),
  attack(
    'upgrade, RFC 6455 4.1: no key',
    `GET /§ HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n<smuggled>`,
    [],
    'upgrade-invalid',
  ),
  attack(
    'upgrade, RFC 9110 7.8: not named in Connection',
    `GET /§ HTTP/1.1\r\n${HOST}Upgrade: websocket\r\n\r\nGET /§/2 HTTP/1.1\r\n${HOST}\r\n`,
    ['GET /§ § ', 'GET /§/2 § '],
  ),
];

const expectations: Attack[] = [
  attack(
    'expect, RFC 9110 10.1.1: the body follows without a 100',
    `POST /§ HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhelloGET /§/2 HTTP/1.1\r\n${HOST}\r\n`,
    [`${SEEN}hello`, 'GET /§/2 § '],
  ),
  attack(
    'expect, RFC 9110 10.1.1: an unknown expectation',
    `POST /§ HTTP/1.1\r\n${HOST}Expect: 200-ok\r\nContent-Length: 5\r\n\r\nhello<smuggled>`,
    [],
    'expectation-unknown',
  ),
  attack(
    'expect, RFC 9110 10.1.1: a list',
    `POST /§ HTTP/1.1\r\n${HOST}Expect: 100-continue, x\r\nContent-Length: 5\r\n\r\nhello<smuggled>`,
    [],
    'expectation-unknown',
  ),
  attack(
    'expect, RFC 9110 10.1.1: HTTP/1.0',
    `POST /§ HTTP/1.0\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello<smuggled>`,
    [`${SEEN}hello`],
  ),
];

export const attacks: readonly Attack[] = [
  ...lengthAndCoding,
  ...codings,
  ...codingIn10,
  ...lengths,
  ...framed,
  ...disguised,
  ...disguisedLengths,
  ...startLines,
  ...lineEndings,
  ...hosts,
  ...authorities,
  ...chunks,
  ...goodChunks,
  ...trailers,
  ...forged,
  ...upgrades,
  ...expectations,
];

/** The attack with its own name in every place, and with the lengths that depend on it. */
export function personalize({ name, bytes, sees, code }: Attack, id: string): Attack {
  const put = (text: string) => text.replaceAll('§', id);
  const { length } = put(SMUGGLED);
  const sized = bytes.replaceAll('<length>', String(length)).replaceAll('<hex>', length.toString(16));
  return { name, bytes: put(sized), sees: sees.map(put), code };
}
