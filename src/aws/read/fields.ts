/**
 * Shapes of single values, from which the shapes of elements are made. The message of each is what should stand there, for a
 * sentence like "Port should be a port number". `null` is the same as left out: AWS leaves out, other tools write `null`.
 */
import { z } from 'zod';

const PORT = 'a port number from 1 to 65535';
const PORT_OR_ZERO = 'a port number from 0 to 65535';
const SECONDS = 'a number of seconds';

/** AWS has some numbers as strings, and some tools make strings of all. */
function number<S extends z.ZodType>(shape: S) {
  return z.preprocess(value => (typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value), shape);
}

/** No name, ARN or path of AWS's is nearly as long; what stands in messages and commands is bounded by it. */
const LONGEST = 2048;
/** Of values that may be long for good reasons, such as a script or an annotation of kubectl's, the beginning is enough. */
const LONGEST_VALUE = 4096;

export const text = z.string('a string').max(LONGEST, `a string of at most ${LONGEST} characters`);
/** Of a name, an id or an ARN, which stands in commands: none begins as an option does, or names a file or an address (`file://`). */
export const name = text.refine(value => !/^-|:\/\//.test(value), 'a name, an id or an ARN');
export const longText = z.string('a string').transform(beginning);
export const port = number(z.int(PORT).min(1, PORT).max(65_535, PORT));
/** 0 where somebody else chooses the port. */
export const portOrZero = number(z.int(PORT_OR_ZERO).min(0, PORT_OR_ZERO).max(65_535, PORT_OR_ZERO));
export const seconds = number(z.number(SECONDS).min(0, SECONDS).max(1e9, SECONDS));
export const flag = z.boolean('true or false');

/** AWS has values of attributes as strings; YAML makes other things of `true` and `350`. */
export const attributeValue = z
  .union([z.string(), z.number(), z.boolean()], 'a string')
  .transform(value => beginning(String(value)));

function beginning(value: string): string {
  return value.slice(0, LONGEST_VALUE);
}

/** A field that may be left out. */
export function maybe<S extends z.ZodType>(shape: S) {
  return shape.nullish().transform(value => value ?? undefined);
}

/** The named fields; others may stand beside them. */
export function object<S extends z.ZodRawShape>(fields: S) {
  return z.object(fields, 'an object');
}

/** A list whose elements are read one by one. */
export const list = z.unknown().optional();
