/** A reading without its places, for comparisons: maps as objects, and `Given` as its value. */
export function plainly(value: unknown): unknown {
  if (value instanceof Map) return plainly(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(plainly);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key, inner]) => key !== 'at' && inner !== undefined);
  if ('at' in value && entries.length === 1 && 'value' in value) return plainly(value.value);
  return Object.fromEntries(entries.map(([key, inner]) => [key, plainly(inner)]));
}
