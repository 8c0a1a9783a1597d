/**
 * Building blocks of the schema: each reads one written value, refuses it with a rule and words of its own, and says
 * in the JSON Schema what may be written.
 */
import { z } from 'zod';
import { parseCidr } from '../../address.js';
import { hostOf, type Reading, readEndpoint, readListen, readPort } from './host-port.js';
import { show } from './problem.js';
import { durationPattern, formatDuration, formatSize, parseDuration, parseSize, sizePattern } from './units.js';

/** A message that carries its rule through zod, which knows only text; {@link splitRule} takes it apart again. */
export function withRule(rule: string, words: string): string {
  return `[${rule}] ${words}`;
}

/** The rule and the words of a message made by {@link withRule}. */
export function splitRule(message: string): { rule: string; words: string } | undefined {
  const match = /^\[([a-z0-9-]+)\] (.*)$/s.exec(message);
  return match === null ? undefined : { rule: match[1] ?? '', words: match[2] ?? '' };
}

/** Any scalar that `read` understands. */
export function scalar<T>(read: (input: unknown) => Reading<T>, json: Record<string, unknown>) {
  return z
    .unknown()
    .transform((input, context): T => {
      const reading: Reading<T> = input === undefined ? missing : read(input);
      if ('value' in reading) return reading.value;
      context.addIssue({ code: 'custom', message: withRule(reading.rule, reading.fault) });
      return z.NEVER;
    })
    .meta(json);
}

const missing = { rule: 'missing-key', fault: 'is missing: add it' };

const portSchema = { type: 'integer', minimum: 1, maximum: 65_535 };
const hostPortSchema = {
  type: ['integer', 'string'],
  minimum: 1,
  maximum: 65_535,
  pattern: '^([^:]+:|\\[.+\\]:)?\\d+$',
};

/** A port, 1 to 65535. */
export const port = () => scalar(readPort, portSchema);
/** An address to bind. */
export const listenAddress = () => scalar(readListen, hostPortSchema);
/** An address to connect to. */
export const endpoint = () => scalar(readEndpoint, hostPortSchema);

/** A range of addresses. */
export const cidr = () => scalar(readCidr, { type: 'string' });

function readCidr(input: unknown): Reading<NonNullable<ReturnType<typeof parseCidr>>> {
  const value = typeof input === 'string' ? parseCidr(input) : undefined;
  if (value !== undefined) return { value };
  return { rule: 'invalid-cidr', fault: `${show(input)} is not an address range: write 10.0.0.0/8 or fd00::/8` };
}

export interface DurationBounds {
  readonly min: number;
  readonly max: number;
  /** What `0s` means, when it is allowed. */
  readonly zero?: string;
}

/** A duration in milliseconds. */
export const duration = (bounds: DurationBounds) =>
  scalar(input => readDuration(input, bounds), { type: 'string', pattern: durationPattern });

function readDuration(input: unknown, { min, max, zero }: DurationBounds): Reading<number> {
  if (typeof input === 'number')
    return { rule: 'invalid-duration', fault: `${show(input)} has no unit: write 5s or 250ms` };
  const value = typeof input === 'string' ? parseDuration(input) : undefined;
  if (value === undefined)
    return { rule: 'invalid-duration', fault: `${show(input)} is not a duration: write 250ms, 5s, 2m or 1h` };
  if (value === 0 && zero !== undefined) return { value };
  const range = `use ${formatDuration(min)} to ${formatDuration(max)}${zero === undefined ? '' : `, or 0s for ${zero}`}`;
  if (value < min) return { rule: 'out-of-range', fault: `${String(input)} is too short: ${range}` };
  if (value > max) return { rule: 'out-of-range', fault: `${String(input)} is too long: ${range}` };
  return { value };
}

/** A number of bytes. */
export const size = (min: number, max: number) =>
  scalar(input => readSize(input, min, max), { type: ['integer', 'string'], pattern: sizePattern, minimum: 0 });

function readSize(input: unknown, min: number, max: number): Reading<number> {
  const value = typeof input === 'string' || typeof input === 'number' ? parseSize(input) : undefined;
  if (value === undefined)
    return {
      rule: 'invalid-size',
      fault: `${show(input)} is not a size: write 16KiB, 1MiB or plain bytes such as 4096`,
    };
  const range = `use ${formatSize(min)} to ${formatSize(max)}`;
  if (value < min) return { rule: 'out-of-range', fault: `${String(input)} is too small: ${range}` };
  if (value > max) return { rule: 'out-of-range', fault: `${String(input)} is too large: ${range}` };
  return { value };
}

/** A whole number. */
export const count = (min: number, max: number) =>
  scalar(input => readCount(input, min, max), { type: 'integer', minimum: min, maximum: max });

function readCount(input: unknown, min: number, max: number): Reading<number> {
  if (typeof input !== 'number' || !Number.isInteger(input))
    return { rule: 'invalid-value', fault: `${show(input)} is not a whole number: use ${min} to ${max}` };
  if (input >= min && input <= max) return { value: input };
  return { rule: 'out-of-range', fault: `${input} is too ${input < min ? 'small' : 'large'}: use ${min} to ${max}` };
}

/** A number, with a fraction or without. */
export const ratio = (min: number, max: number) =>
  scalar(input => readRatio(input, min, max), { type: 'number', minimum: min, maximum: max });

function readRatio(input: unknown, min: number, max: number): Reading<number> {
  if (typeof input !== 'number' || Number.isNaN(input))
    return { rule: 'invalid-value', fault: `${show(input)} is not a number: use ${min} to ${max}, such as 1.25` };
  if (input >= min && input <= max) return { value: input };
  return { rule: 'out-of-range', fault: `${input} is too ${input < min ? 'small' : 'large'}: use ${min} to ${max}` };
}

/** The host of a route: a name without a port. */
export const routeHost = () => scalar(readRouteHost, { type: 'string' });

function readRouteHost(input: unknown): Reading<string> {
  const bracketed = typeof input === 'string' && /^\[[0-9a-f:.]+\]$/i.test(input) ? input.toLowerCase() : undefined;
  const value = bracketed ?? (typeof input === 'string' ? hostOf(input) : undefined);
  if (value !== undefined) return { value };
  return {
    rule: 'invalid-host',
    fault: `${show(input)} is not a host: write it without port, such as chat.example.com`,
  };
}

/** The path prefix of a route. */
export const routePath = () => scalar(readRoutePath, { type: 'string', pattern: '^/[^?#\\s]*$' });

function readRoutePath(input: unknown): Reading<string> {
  if (typeof input === 'string' && input.endsWith('/*')) {
    const fault = `${show(input)} would match a * only: a path is a prefix anyway, write ${show(input.slice(0, -1))}`;
    return { rule: 'invalid-path', fault };
  }
  if (typeof input === 'string' && input.length <= 1024 && /^\/[\x21\x22\x24-\x3e\x40-\x7e]*$/.test(input))
    return { value: input };
  return {
    rule: 'invalid-path',
    fault: `${show(input)} is not a path prefix: begin with /, as in /socket.io/, without ? or #`,
  };
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9-]{0,62}$/;

/** Name of a listener or backend: it becomes the value of a metric label. */
export const name = () =>
  z.string().regex(namePattern, {
    error: issue =>
      withRule(
        'invalid-name',
        `${show(issue.input)} cannot be a name: use up to 63 letters, digits and hyphens, a hyphen not first`,
      ),
  });
