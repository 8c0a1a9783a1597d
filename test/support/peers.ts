/** Real programs that some tests need: found, or the test is left out with a word, or (in CI) fails. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Test } from 'tap';

/** With `USHER_REQUIRE_PEERS=1` a missing program is a failure. */
const REQUIRED = process.env['USHER_REQUIRE_PEERS'] === '1';

const PLACES = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

export function findProgram(name: string): string | undefined {
  return PLACES.map(place => join(place, name)).find(path => existsSync(path));
}

/** The path of a program; undefined when it is missing, and then the test has been told. */
export function needProgram(t: Test, name: string): string | undefined {
  const path = findProgram(name);
  if (path !== undefined) return path;
  if (REQUIRED) t.fail(`${name} is not installed, and USHER_REQUIRE_PEERS=1 says it must be`);
  else t.pass(`left out: ${name} is not installed`, { skip: `${name} is not installed` });
  return undefined;
}
