/** Durations (`250ms`, `5s`, `2m`, `1h`) and sizes (`16KiB`, `1MiB`, plain bytes) as people write them. Pure. */

const millisecondsOf: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const bytesOf: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** The patterns, for the JSON Schema. */
export const durationPattern = '^[0-9]+(ms|s|m|h)$';
export const sizePattern = '^[0-9]+(B|KiB|MiB|GiB)?$';

/** Milliseconds of a duration; undefined when it is none. A minus sign is read, so that bounds can speak about it. */
export function parseDuration(text: string): number | undefined {
  const match = /^(-?\d{1,12})(ms|s|m|h)$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (millisecondsOf[match[2] ?? ''] ?? Number.NaN);
}

/** Bytes of a size; a number or digits without a unit are bytes; undefined when it is none. */
export function parseSize(input: string | number): number | undefined {
  if (typeof input === 'number') return Number.isSafeInteger(input) ? input : undefined;
  const match = /^(-?\d{1,12})(B|KiB|MiB|GiB)?$/.exec(input);
  if (match === null) return undefined;
  return Number(match[1]) * (bytesOf[match[2] ?? 'B'] ?? Number.NaN);
}

/** The shortest way to write a duration: `90s`, `2m`. */
export function formatDuration(milliseconds: number): string {
  for (const unit of ['h', 'm', 's']) {
    const size = millisecondsOf[unit] ?? 1;
    if (milliseconds >= size && milliseconds % size === 0) return `${milliseconds / size}${unit}`;
  }
  return milliseconds === 0 ? '0s' : `${milliseconds}ms`;
}

/** The shortest way to write a size: `16KiB`, `4112`. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    const size = bytesOf[unit] ?? 1;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}
