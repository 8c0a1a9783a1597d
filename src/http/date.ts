/** The time as HTTP writes it (RFC 9110 5.6.7), made once a second. */
let second = Number.NaN;
let text = '';

/** @param now milliseconds since 1970, UTC */
export function dateText(now: number = Date.now()): string {
  const current = Math.floor(now / 1000);
  if (current !== second) {
    second = current;
    text = new Date(now).toUTCString();
  }
  return text;
}
