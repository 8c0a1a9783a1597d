/**
 * The configuration, once: from here come the types, the messages and the JSON Schema (`config/usher.schema.json`).
 * Every key says in its description what it does and what it is when it is left out.
 */
import { z } from 'zod';
import { hour, key, minute, second, section } from './keys.js';
import { show } from './problem.js';
import { cidr, count, duration, listenAddress, name, port, routeHost, routePath, size, withRule } from './scalars.js';
import { backend } from './schema-backend.js';
import { sendProxyProtocol } from './send-proxy-protocol.js';

export { type BackendConfig, backendDefaults } from './schema-backend.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const week = 7 * 24 * hour;

const listenerTimeouts = section(
  {
    proxyHeader: key(
      duration({ min: 100, max: minute }),
      '5s',
      'From accept to the last byte of the PROXY header, in total. Keep it above 3s, the time of a TCP retransmit.',
    ),
    requestHead: key(
      duration({ min: 100, max: 10 * minute }),
      '10s',
      'From the first byte of a request head to its last, in total.',
    ),
    keepAlive: key(
      duration({ min: 100, max: hour }),
      '75s',
      'A client connection between two requests; above the idle timeout of the balancer (60s by default).',
    ),
    requestBody: key(duration({ min: 100, max: hour }), '30s', 'Between two pieces of a request body.'),
    response: key(duration({ min: 100, max: hour }), '60s', 'From the end of the request to the head of the response.'),
    responseBody: key(
      duration({ min: 100, max: 24 * hour, zero: 'no limit' }),
      '0s',
      'Between two pieces of a response body; 0s: no limit.',
    ),
    tunnel: key(
      duration({ min: second, max: week, zero: 'no limit' }),
      '1h',
      'A tunnel (WebSocket, or protocol tcp) without a byte in either direction; 0s: no limit.',
    ),
  },
  'How long usher waits on this listener.',
);

const listenerLimits = section(
  {
    connections: key(count(1, 1_000_000), 20_000, 'Open connections; more are refused.'),
    proxyHeader: key(size(107, 65_551), 4112, 'The whole PROXY header; 107 is the longest v1 line.'),
    startLine: key(size(64, 64 * KiB), '8KiB', 'The request line.'),
    head: key(size(256, MiB), '32KiB', 'Start line and header fields together.'),
    headFields: key(count(1, 2000), 100, 'Header fields of a request.'),
    requestsPerConnection: key(count(1, 1_000_000_000), 10_000, 'Requests on one connection before it is closed.'),
  },
  'How much usher takes on this listener. Sizes: 16KiB, 1MiB, plain integers are bytes.',
);

const route = z.strictObject({
  host: routeHost()
    .optional()
    .describe('Only requests to this host (without port, case does not count). Left out: any host.'),
  path: key(routePath(), '/', 'Only requests whose path begins with this; the longest path is tried first.'),
  backend: z.string().describe('Name of a backend.'),
});

const listener = z
  .strictObject({
    listen: listenAddress()
      .optional()
      .describe('Where connections are accepted: a port (every address), host:port or [v6]:port. No default.'),
    protocol: key(z.enum(['http', 'tcp']), 'http', 'http: requests and WebSockets; tcp: bytes as they are.'),
    proxyProtocol: key(
      z.enum(['required', 'optional', 'off']),
      'required',
      'Whether a PROXY header stands before every connection. optional is for a cut-over and needs trustedSources.',
    ),
    trustedSources: z
      .array(cidr())
      .max(1024)
      .optional()
      .describe('Peers whose PROXY header is believed. Default: any peer, with a warning.'),
    backendPort: port()
      .optional()
      .describe(
        'Short for a backend of one endpoint, 127.0.0.1 and this port, with the defaults of a backend. No default.',
      ),
    backend: z
      .string()
      .optional()
      .describe('Name of the backend; beside routes: the one for all other paths. No default.'),
    routes: z.array(route).min(1).max(1024).optional().describe('Several backends by host and path. No default.'),
    sendProxyProtocol: sendProxyProtocol()
      .optional()
      .describe(
        'With protocol tcp: the PROXY header that the backend gets in front of the bytes: v1, v2, or a mapping. Default: none.',
      ),
    forwarded: key(z.boolean(), false, 'Send RFC 7239 Forwarded to the backend too.'),
    forwardedProto: key(
      z.enum(['auto', 'http', 'https']),
      'auto',
      'X-Forwarded-Proto; auto: https when the PROXY header tells of TLS or of destination port 443, else http.',
    ),
    allowMethods: z
      .array(z.enum(['CONNECT', 'TRACE']))
      .max(2)
      .prefault([])
      .describe('Methods that are forwarded although they are refused (501) by default. Default: none.'),
    timeouts: listenerTimeouts,
    limits: listenerLimits,
  })
  .meta({ required: ['listen'] });

/** Codes that an endpoint may send, and that mean that it leaves (RFC 6455 7.4.1 and its registry). */
const closeCode = () =>
  z
    .number({ error: () => withRule('invalid-value', 'a close code is a number: 1012, 1001, or 4000 to 4999') })
    .refine(
      code =>
        code === 1001 || code === 1012 || code === 1013 || (Number.isInteger(code) && code >= 4000 && code <= 4999),
      {
        error: issue =>
          withRule(
            'invalid-value',
            `${show(issue.input)} is no close code for this: write 1012, 1001, 1013, or 4000 to 4999`,
          ),
      },
    );

const MAX_REASON_BYTES = 123;

const closeReason = () =>
  z.string().refine(text => Buffer.byteLength(text) <= MAX_REASON_BYTES, {
    error: () =>
      withRule(
        'invalid-value',
        `the reason is longer than ${MAX_REASON_BYTES} bytes, the most that a Close frame holds`,
      ),
  });

const admin = z
  .union(
    [
      z.strictObject({
        listen: key(listenAddress(), '127.0.0.1:9180', 'Where /metrics, /livez, /readyz and /status are served.'),
      }),
      z.literal('off'),
      z.literal(false),
    ],
    {
      error: issue =>
        withRule(
          'invalid-value',
          `${show(issue.input)} is not an admin listener: write listen: 127.0.0.1:9180 below it, or off`,
        ),
    },
  )
  .prefault({})
  .describe('The admin listener; off or false: none. Default: listen 127.0.0.1:9180.');

/** The whole configuration. */
export const configSchema = z
  .strictObject({
    $schema: z.string().max(1024).optional().describe('For editors: where this JSON Schema is. usher ignores it.'),
    listeners: z.record(name(), listener).prefault({}).describe('Listeners by name. At least one; no default.'),
    backends: z.record(name(), backend).prefault({}).describe('Backends by name. Default: none.'),
    admin,
    log: section(
      {
        level: key(z.enum(['debug', 'info', 'warn', 'error']), 'info', 'The least level that is written.'),
        access: key(z.boolean(), false, 'One line for each exchange and tunnel.'),
        format: key(z.enum(['auto', 'json', 'pretty']), 'auto', 'auto: pretty on a terminal, else json.'),
      },
      'What is written to standard error.',
    ),
    drain: section(
      {
        timeout: key(
          duration({ min: 100, max: 24 * hour }),
          '25s',
          'From SIGTERM on, in total; what is still open then is destroyed. Below the time between SIGTERM and SIGKILL.',
        ),
        deregisterDelay: key(
          duration({ min: 100, max: hour, zero: 'listeners are closed at once' }),
          '5s',
          'How long new connections are still accepted: balancers send some long after they were told not to.',
        ),
        closeOver: key(
          duration({ min: 100, max: 24 * hour, zero: 'all at once' }),
          '10s',
          'Behind that: the time over which WebSockets are closed, one after the other, so that they come back as evenly.',
        ),
        failReadiness: key(
          z.boolean(),
          true,
          'Whether /readyz says 503 from SIGTERM on. false where a failed health check makes the balancer cut connections (an NLB by default).',
        ),
        style: key(
          z.enum(['close-frame', 'socket.io', 'none']),
          'close-frame',
          "What a WebSocket is told: a Close frame; socket.io: Engine.IO's own close packet in front of it; none: nothing, it is cut at the timeout.",
        ),
        code: key(
          closeCode(),
          1012,
          'Of the Close frame: 1012 (service restart), 1001 (going away), or one of your own from 4000 on.',
        ),
        reason: key(closeReason(), 'service restart', 'Of the Close frame, at most 123 bytes.'),
      },
      'How usher stops.',
    ),
  })
  .meta({
    title: 'usher configuration',
    description: 'Durations are 250ms, 5s, 2m, 1h; sizes are 16KiB, 1MiB or plain bytes.',
    required: ['listeners'],
  });

/** A configuration with every default filled in; `listen` may be missing until the rules have seen it. */
export type Config = z.output<typeof configSchema>;
export type ListenerConfig = Config['listeners'][string];
