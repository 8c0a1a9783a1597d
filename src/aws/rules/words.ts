/** Words that messages are made of. */

/** `a`, `a and b`, `a, b and c`; of many, the first few and how many more. */
export function listed(words: readonly string[], most = 6): string {
  const shown = words.length > most ? [...words.slice(0, most - 1), `${words.length - most + 1} more`] : words;
  const last = shown.at(-1) ?? '';
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`;
}

/** `port 8080`, `ports 8080 and 8081`. */
export function portWords(ports: readonly number[]): string {
  return `${ports.length === 1 ? 'port' : 'ports'} ${listed(ports.map(port => `${port}`))}`;
}

/** `75 s` of milliseconds. */
export function secondsWords(ms: number): string {
  return `${ms / 1000} s`;
}
