/** Rules about one value of a configuration, or about the file: a paragraph for each. */
import type { RuleText } from '../aws/report/report.js';

const ROWS: readonly (readonly [id: string, title: string, story: string])[] = [
  [
    'file-unreadable',
    'The file cannot be read',
    'It is not there, is a directory, is not UTF-8, or this user may not read it; the problem says which. In a container look at the mount, and at the user that usher runs as.',
  ],
  [
    'yaml-syntax',
    'The file is not YAML',
    'The file cannot be read as YAML, of which JSON is a part. The place is where the parser lost the thread; the slip is often a line earlier: a tab, an indentation, a quotation mark that is never closed, a colon without a space behind it.',
  ],
  [
    'too-large',
    'The file is larger than a configuration can be',
    'usher reads at most 1 MiB and a bounded number of values, those that aliases repeat counted each time, so that a file can never take up its memory. Is it the right file?',
  ],
  [
    'too-deep',
    'Values are nested too deeply',
    'No key lies deeper than a few levels. The brackets are probably not closed where they were meant to be.',
  ],
  [
    'duplicate-key',
    'A key stands twice in one mapping',
    'Of two values for one key only one could count, and nobody could tell which was meant. Often a second listener was added with the name of the first. Keep one, or rename one.',
  ],
  [
    'invalid-key',
    'This cannot be a key',
    'Keys are plain text. << takes an alias of a mapping, such as <<: *defaults. The key __proto__ is refused in any case.',
  ],
  [
    'unknown-key',
    'usher knows no such key here',
    'A key that is not known is an error, because a misspelt limit or timeout would otherwise be left out without a word. The problem names the nearest key. All keys with their defaults are in config/full.yaml.',
  ],
  [
    'invalid-type',
    'A value has the wrong shape',
    'A mapping is wanted where there is a list or a word, or the other way round, or there is no value behind the key at all. The problem says what is wanted.',
  ],
  [
    'invalid-value',
    'A value that is not one of those that make sense',
    'The key takes one of a few words, or a number of a certain kind. The problem lists them, and the nearest one when the word was probably misspelt.',
  ],
  [
    'out-of-range',
    'A value is too small or too large',
    'The bounds are wide: a value outside them is a slip of the unit most of the time (5000s for 5000ms). The problem names the bounds.',
  ],
  ['invalid-port', 'This is not a port', 'Ports are whole numbers from 1 to 65535.'],
  [
    'invalid-listen',
    'This is not an address to listen on',
    'A port alone means every address, IPv4 and IPv6. host:port binds one address; an IPv6 address stands in brackets: [::1]:8080.',
  ],
  [
    'invalid-endpoint',
    'This is not an address of an endpoint',
    'A port alone means 127.0.0.1. host:port and [v6]:port name another host. 0.0.0.0 and :: are addresses to listen on: nobody can be reached there.',
  ],
  [
    'endpoint-choice',
    'An endpoint is named in one way',
    'A mapping for an endpoint has one of address (a port, host:port), dns (a name whose addresses are all endpoints) and srv (a name of SRV records, which give the ports too).',
  ],
  [
    'invalid-dns-name',
    'This is not a name for dns',
    'dns takes a name and a port, chat.internal:3000; every address of the name is an endpoint. An address is written as address, and a name whose records give the port as srv.',
  ],
  [
    'invalid-srv-name',
    'This is not a name of SRV records',
    'srv takes a name such as _chat._tcp.chat.internal, without a port: the records give it.',
  ],
  [
    'invalid-cidr',
    'This is not an address range',
    'A range is an address and the number of bits that count: 10.0.0.0/8, fd00::/8. One address is a range of its own, 10.0.1.7/32.',
  ],
  [
    'invalid-duration',
    'This is not a duration',
    'Durations have a unit: 250ms, 5s, 2m, 1h. A number alone is refused, because it could be seconds or milliseconds.',
  ],
  ['invalid-size', 'This is not a size', 'Sizes are bytes, or have a unit: 4096, 16KiB, 1MiB.'],
  [
    'invalid-name',
    'This cannot be a name of a listener or backend',
    'Names become values of metric labels and parts of URLs: up to 63 letters, digits and hyphens, a hyphen not first.',
  ],
  [
    'invalid-host',
    'This is not a host',
    'The host of a route is compared with the Host field of requests, without its port: chat.example.com. The host of a health check is sent as it is.',
  ],
  [
    'invalid-path',
    'This is not a path',
    'A path begins with / and has neither # nor spaces; the one of a route has no query either, and matches as a prefix, so that no * is needed at its end.',
  ],
  [
    'invalid-status',
    'This is not a status, or a list of them',
    'A health check takes one status (200), a range (200-399) or a list of both ([200, 301-302]).',
  ],
  [
    'affinity-choice',
    'An affinity has one key',
    'Requests are kept together by one thing: cookie, socket.io, path, header or query (or client-ip, without a mapping). Two would contradict each other.',
  ],
  [
    'invalid-cookie-name',
    'This cannot be the name of a cookie',
    'Names of cookies are letters, digits and a few marks (RFC 6265). Without a name a cookie is called usher- and the name of the backend.',
  ],
  [
    'invalid-secret',
    'This cannot be a secret',
    'The secret signs the cookies, so that no client can choose its endpoint by itself. It is text of some length, such as the output of openssl rand -hex 32, and the same in every usher behind one balancer. usher never prints it.',
  ],
  [
    'invalid-header-name',
    'This cannot be the header field of an affinity',
    'The name is one of a header field (RFC 9110), such as x-room. Fields that usher writes itself, such as X-Forwarded-For, cannot be it: what clients send under these names is removed.',
  ],
  [
    'invalid-query-name',
    'This cannot be the query parameter of an affinity',
    'The name is written as it is in the query once that is decoded: room, without %, &, =, + and spaces.',
  ],
  [
    'invalid-path-pattern',
    'This is not a pattern of a path',
    'A pattern is a path in which one or more steps have a name, /room/:id. Requests whose steps are equal there go to one endpoint.',
  ],
  [
    'more-problems',
    'There are more problems than are shown',
    'The first hundred are told. Cure some of them, and check again.',
  ],
];

export const VALUE_STORIES: readonly RuleText[] = ROWS.map(([id, title, story]): RuleText => {
  return { id, severity: 'error', title, story };
});
