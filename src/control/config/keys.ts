/** How the schema writes keys: with a default that stands in the description too, and sections of them. */
import { z } from 'zod';

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

/** A key that has a default, as one writes it. */
export function key<S extends z.ZodType>(schema: S, value: z.input<S>, text: string) {
  return z.prefault(schema, value).describe(`${text} Default: ${String(value)}.`);
}

/** A mapping of keys, all of which have defaults. */
export function section<S extends z.ZodRawShape>(shape: S, text: string) {
  return z.prefault(z.strictObject(shape), {} as z.input<z.ZodObject<S, z.core.$strict>>).describe(text);
}

/** The keys of a mapping that were written. */
export function givenKeys(written: object): readonly string[] {
  return Object.entries(written).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}
