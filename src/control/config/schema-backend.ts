/** The keys of a backend. */
import { z } from 'zod';
import { affinity } from './affinity.js';
import { endpointItem } from './endpoints.js';
import { healthCheck } from './health-check.js';
import { hour, key, minute, section } from './keys.js';
import { count, duration, ratio } from './scalars.js';

/** One backend. */
export const backend = z.strictObject({
  endpoints: z
    .array(endpointItem())
    .min(1)
    .max(1024)
    .describe('Ports (on 127.0.0.1), host:port, [v6]:port, or mappings with address, dns or srv. No default.'),
  balance: z
    .enum(['round-robin', 'least-connections', 'hash'])
    .optional()
    .describe(
      'How an endpoint is chosen; hash: by the address of the client. With affinity cookie or socket.io: for new sessions. Default: round-robin; with affinity: hash.',
    ),
  affinity: affinity()
    .optional()
    .describe(
      'What keeps a client, a session or a room on one endpoint: client-ip, cookie, socket.io, or a mapping with cookie, socket.io, path, header or query. Default: nothing; with balance hash: client-ip.',
    ),
  loadBound: ratio(1, 100)
    .optional()
    .describe(
      'With hash: how much more than its share an endpoint may have before the next one is taken; 1.25 is a quarter more. Default: no bound.',
    ),
  healthCheck: healthCheck(),
  slowStart: key(
    duration({ min: 100, max: hour, zero: 'its whole share at once' }),
    '0s',
    'How long the share of an endpoint that came up grows to its full size; 0s: at once.',
  ),
  holdFor: key(
    duration({ min: 10, max: 10 * minute, zero: 'not at all' }),
    '3s',
    'How long a new request waits for an endpoint when none can be reached; 0s: not at all.',
  ),
  timeouts: section(
    {
      connect: key(duration({ min: 10, max: minute }), '3s', 'From the dial until the TCP connection stands.'),
      idle: key(
        duration({ min: 10, max: hour }),
        '4s',
        'An idle connection to the backend is kept this long; below the keep-alive time of the backend (5s in Node).',
      ),
    },
    'How long usher waits for this backend.',
  ),
  limits: section(
    { idleConnections: key(count(0, 100_000), 1024, 'Idle connections kept for each endpoint; 0: none is reused.') },
    'How much usher keeps for this backend.',
  ),
});

/** A backend with every default filled in; `balance` is undefined when it was left out. */
export type BackendConfig = z.output<typeof backend>;

/** The backend that `backendPort` stands for: one endpoint, and the default of every other key. */
export function backendDefaults(backendPort: number): BackendConfig {
  return backend.parse({ endpoints: [backendPort] });
}
