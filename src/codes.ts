/**
 * Every cause for which usher ends a connection or an exchange itself: a closed union, and one table from code
 * to HTTP status, log level and the words a person reads. The code is also the value of the metric label `code`
 * and of the field `code` in logs; nothing is ever classified by its text.
 */

export interface Cause {
  /** HTTP status that answers the client; left out where no answer can or should be sent (the connection just ends). */
  readonly status?: number;
  /** Level of the log line that reports it. */
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** One sentence without a full stop, for the body of the answer and the log line. Never holds bytes from the network. */
  readonly text: string;
}

const table = {
  // The connection and its PROXY header (clauses of the PROXY protocol specification).
  'source-untrusted': { level: 'warn', text: 'the peer is not in trustedSources' },
  'header-missing': { level: 'warn', text: 'the first bytes are not a PROXY header' },
  'header-malformed': { level: 'warn', text: 'the PROXY v1 line breaks its grammar (PP 2.1)' },
  'header-too-long': { level: 'warn', text: 'the PROXY header is longer than allowed' },
  'header-version': { level: 'warn', text: 'the PROXY header has an unknown version (PP 2.2)' },
  'header-command': { level: 'warn', text: 'the PROXY v2 command is undefined (PP 2.2)' },
  'header-family': { level: 'warn', text: 'the PROXY v2 address family or transport is undefined (PP 2.2)' },
  'header-length': { level: 'warn', text: 'the PROXY v2 length is shorter than its addresses (PP 2.2)' },
  'header-tlv': { level: 'warn', text: 'a PROXY v2 TLV does not end where the header ends (PP 2.2)' },
  'header-crc': { level: 'warn', text: 'the PROXY v2 checksum is wrong (PP 2.2.3)' },
  'header-timeout': { level: 'warn', text: 'no complete PROXY header came in time' },
  'header-truncated': { level: 'warn', text: 'the connection ended inside the PROXY header' },
  'connection-limit': { level: 'warn', text: 'the listener has as many connections as it may' },

  // Requests (clauses of RFC 9112 and RFC 9110).
  'request-line-invalid': { status: 400, level: 'info', text: 'the request line is malformed (RFC 9112 3)' },
  'method-invalid': { status: 400, level: 'info', text: 'the method is not a token (RFC 9110 9.1)' },
  'method-refused': { status: 501, level: 'info', text: 'this method is not forwarded (RFC 9110 9.3)' },
  'target-invalid': { status: 400, level: 'info', text: 'the request target is malformed (RFC 9112 3.2)' },
  'version-unsupported': { status: 505, level: 'info', text: 'only HTTP/1.0 and HTTP/1.1 are served (RFC 9112 2.3)' },
  'line-ending-invalid': { status: 400, level: 'info', text: 'a line does not end in CR LF (RFC 9112 2.2)' },
  'field-name-invalid': { status: 400, level: 'info', text: 'a field name is malformed (RFC 9112 5.1)' },
  'field-value-invalid': { status: 400, level: 'info', text: 'a field value has control bytes (RFC 9110 5.5)' },
  'field-folded': { status: 400, level: 'info', text: 'a field line is folded (RFC 9112 5.2)' },
  'host-missing': { status: 400, level: 'info', text: 'the Host field is missing (RFC 9112 3.2)' },
  'host-repeated': { status: 400, level: 'info', text: 'the Host field is repeated (RFC 9112 3.2)' },
  'host-invalid': { status: 400, level: 'info', text: 'the Host field is malformed (RFC 9112 3.2)' },
  'framing-ambiguous': { status: 400, level: 'info', text: 'the message length is ambiguous (RFC 9112 6.3)' },
  'content-length-invalid': {
    status: 400,
    level: 'info',
    text: 'the Content-Length field is malformed (RFC 9112 6.3)',
  },
  'transfer-coding-invalid': {
    status: 400,
    level: 'info',
    text: 'only a single chunked transfer coding is understood (RFC 9112 6.1)',
  },
  'chunk-invalid': { status: 400, level: 'info', text: 'the chunked body is malformed (RFC 9112 7.1)' },
  'trailer-invalid': {
    status: 400,
    level: 'info',
    text: 'the trailer section is malformed or holds forbidden fields (RFC 9110 6.5)',
  },
  'upgrade-invalid': { status: 400, level: 'info', text: 'the WebSocket upgrade is malformed (RFC 6455 4.1)' },
  'upgrade-version': { status: 426, level: 'info', text: 'only version 13 of WebSocket is forwarded (RFC 6455 4.4)' },
  'expectation-unknown': {
    status: 417,
    level: 'info',
    text: 'only 100-continue is understood in Expect (RFC 9110 10.1.1)',
  },
  'max-forwards-reached': { status: 200, level: 'debug', text: 'the request was to come no further (RFC 9110 7.6.2)' },
  'start-line-too-long': { status: 414, level: 'info', text: 'the request line is longer than allowed' },
  'head-too-large': { status: 431, level: 'info', text: 'the header section is larger than allowed' },
  'too-many-fields': { status: 431, level: 'info', text: 'there are more header fields than allowed' },
  'head-timeout': { status: 408, level: 'info', text: 'the request head did not come in time' },
  'body-timeout': { status: 408, level: 'info', text: 'the request body stopped coming' },
  'client-aborted': { level: 'info', text: 'the client left before the response ended' },
  'client-stalled': { level: 'info', text: 'the client took no bytes for too long' },

  // Backends.
  'route-missing': { status: 404, level: 'info', text: 'no route of the listener matches the request' },
  'backend-unreachable': { status: 502, level: 'error', text: 'the backend could not be reached' },
  'backend-connect-timeout': { status: 504, level: 'error', text: 'the backend did not accept the connection in time' },
  'backend-empty': { status: 503, level: 'error', text: 'no endpoint of the backend is known yet' },
  'session-lost': { status: 400, level: 'info', text: 'the endpoint of this session is gone: begin a new one' },
  'backend-closed': { status: 502, level: 'error', text: 'the backend closed the connection before it answered' },
  'backend-response-invalid': { status: 502, level: 'error', text: 'the backend sent a malformed response' },
  'backend-upgrade-unasked': {
    status: 502,
    level: 'error',
    text: 'the backend switched protocols unasked (RFC 9110 15.2.2)',
  },
  'backend-response-timeout': { status: 504, level: 'error', text: 'the backend did not answer in time' },
  'backend-response-truncated': { level: 'error', text: 'the backend ended in the middle of its response' },
  'backend-response-stalled': { level: 'error', text: 'the backend stopped in the middle of its response' },
  'tunnel-idle': { level: 'info', text: 'the tunnel carried no bytes for too long' },

  // usher itself.
  'drain-closed': { level: 'debug', text: 'usher stops, and has closed the WebSocket' },
  'drain-timeout': { level: 'warn', text: 'the connection was still open when the drain time was over' },
  'internal-error': { status: 500, level: 'error', text: 'usher met an unexpected error' },
} as const satisfies Record<string, Cause>;

/** The closed union of causes. */
export type Code = keyof typeof table;

/** From code to status, level and words. */
export const causes: Readonly<Record<Code, Cause>> = table;

/** All codes, for tests and documentation. */
export const codes = Object.keys(table) as readonly Code[];
