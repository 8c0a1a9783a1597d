/** What commands share: how one ends, and options that may be given more than once. */

/** Takes the exit code of a command. */
export type Settle = (code: number) => void;

/** Gathers the values of a repeatable option. */
export function repeat(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
