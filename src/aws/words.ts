/** Words that messages are made of. */

/** `a`, `a and b`, `a, b and c`; of many, the first few and how many more. */
export function listed(words: readonly (string | number)[], most = 6): string {
  const shown = words.length > most ? [...words.slice(0, most - 1), `${words.length - most + 1} more`] : words;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** `1 error`, `2 errors`. */
export function counted(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}

/** `port 8080`, `ports 8080 and 8081`. */
export function portWords(ports: readonly number[]): string {
  return `${ports.length === 1 ? 'port' : 'ports'} ${listed(ports)}`;
}

/** `75 s` of milliseconds. */
export function secondsWords(ms: number): string {
  return `${ms / 1000} s`;
}
