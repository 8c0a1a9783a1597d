/** `healthCheck`: how usher finds out which endpoints are up. */

import { canonicalAddress } from '../../address.js';
import type { Reading } from './host-port.js';
import { hostOf, readPort } from './host-port.js';
import { hour, key, minute, section } from './keys.js';
import { show } from './problem.js';
import { count, duration, scalar } from './scalars.js';

const FIRST_STATUS = 200;
const LAST_STATUS = 599;
const MAX_STREAK = 100;
/** Left out, `timeout` is this, or the interval when that is shorter. */
const TIMEOUT_MS = 1000;

const statusItem = {
  type: ['integer', 'string'],
  minimum: FIRST_STATUS,
  maximum: LAST_STATUS,
  pattern: '^\\d{3}(-\\d{3})?$',
};
const statusSchema = { anyOf: [statusItem, { type: 'array', items: statusItem, minItems: 1 }] };

/** What may be written for `healthCheck`. */
export const healthCheck = () =>
  section(
    {
      path: scalar(readCheckPath, { type: 'string', pattern: '^/[^#\\s]*$' })
        .optional()
        .describe('GET this path; any query stands behind it. Default: none, a TCP connection is enough.'),
      host: scalar(readCheckHost, { type: 'string' })
        .optional()
        .describe('The Host of the request. Default: host and port of the endpoint.'),
      status: key(
        scalar(readStatuses, statusSchema),
        '200-399',
        'The statuses that pass: 204, 200-399, or a list of them.',
      ),
      interval: key(
        duration({ min: 100, max: hour }),
        '2s',
        'Between two checks of an endpoint, for /readyz and usher_endpoint_up.',
      ),
      timeout: duration({ min: 10, max: minute })
        .optional()
        .describe('How long one check may take. Default: 1s, or the interval when that is shorter.'),
      rise: key(count(1, MAX_STREAK), 2, 'Checks in a row that must pass before an endpoint is up again.'),
      fall: key(count(1, MAX_STREAK), 3, 'Checks in a row that must fail before an endpoint is down.'),
    },
    'How usher finds out which endpoints are up: with path by HTTP, else by a TCP connection.',
  );

/** How long one check may take, in milliseconds. */
export function checkTimeout({ timeout, interval }: { timeout?: number | undefined; interval: number }): number {
  return timeout ?? Math.min(TIMEOUT_MS, interval);
}

function readCheckPath(input: unknown): Reading<string> {
  if (typeof input === 'string' && input.length <= 1024 && /^\/[\x21\x22\x24-\x7e]*$/.test(input))
    return { value: input };
  const fault = `${show(input)} is not a path: begin with /, as in /healthz, without # or spaces`;
  return { rule: 'invalid-path', fault };
}

/** A host, with a port or without, as it stands in a request. */
function readCheckHost(input: unknown): Reading<string> {
  const match = typeof input === 'string' ? /^(?:\[([^[\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(input) : null;
  const v6 = match?.[1]?.includes(':') === true ? canonicalAddress(match[1]) : undefined;
  const host = v6 === undefined ? hostOf(match?.[2] ?? '') : `[${v6}]`;
  const port = match?.[3];
  if (host !== undefined && (port === undefined || 'value' in readPort(port)))
    return { value: port === undefined ? host : `${host}:${port}` };
  return {
    rule: 'invalid-host',
    fault: `${show(input)} is not a host: write chat.example.com or chat.example.com:3000`,
  };
}

/** One status, `200-399`, or a list of both; in order, each once. */
function readStatuses(input: unknown): Reading<readonly number[]> {
  const items: readonly unknown[] = Array.isArray(input) ? input : [input];
  const statuses = new Set<number>();
  for (const item of items) {
    const range = readRange(item);
    if (range === undefined) {
      const fault = `${show(item)} is no status: use 200 to 599, a range such as 200-399, or a list of them`;
      return { rule: 'invalid-status', fault };
    }
    for (let status = range[0]; status <= range[1]; status += 1) statuses.add(status);
  }
  if (statuses.size === 0)
    return { rule: 'invalid-status', fault: 'the list is empty: write 200-399 or remove the key' };
  return { value: [...statuses].sort((a, b) => a - b) };
}

function readRange(item: unknown): readonly [number, number] | undefined {
  const match =
    typeof item === 'string' || typeof item === 'number' ? /^(\d{3})(?:-(\d{3}))?$/.exec(String(item)) : null;
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= FIRST_STATUS && first <= last && last <= LAST_STATUS ? [first, last] : undefined;
}
