/** What zod found, in usher's words: one finding for each fault, with its path. */
import type { z } from 'zod';
import { knownKeys } from './json-schema.js';
import { nearest } from './nearest.js';
import { type Path, show } from './problem.js';
import { splitRule } from './scalars.js';
import type { Finding } from './view.js';

type Issue = z.core.$ZodIssue;

/** The findings of a schema that refused a document. */
export function schemaFindings(issues: readonly Issue[]): readonly Finding[] {
  return issues.flatMap(issue => findingsOf(issue, []));
}

function findingsOf(issue: Issue, base: Path): readonly Finding[] {
  const path = [...base, ...issue.path.map(step => (typeof step === 'number' ? step : String(step)))];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map(key => ({ rule: 'unknown-key', path: [...path, key], message: unknownKeyWords(key, path) }));
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find(branch => !branch.some(inner => inner.path.length === 0 && isOtherShape(inner)));
    if (meant !== undefined) return meant.flatMap(inner => findingsOf(inner, path));
  }
  if (issue.code === 'invalid_key') {
    const [inner] = issue.issues;
    return inner === undefined ? [] : findingsOf(inner, path);
  }
  const own = splitRule(issue.message);
  if (own !== undefined) return [{ rule: own.rule, path, message: own.words }];
  return [{ path, ...wordsOf(issue) }];
}

/** Whether this branch of a union was not the one that was written. */
function isOtherShape(issue: Issue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

/** Keys that are gone, and what stands in their place. */
const replaced: ReadonlyMap<string, string> = new Map([
  ['checkInterval', 'healthCheck: { interval: 2s } in the backend'],
]);

function unknownKeyWords(key: string, path: Path): string {
  const known = knownKeys(path);
  const now = replaced.get(key);
  if (now !== undefined) return `unknown key ${show(key)}: write ${now} instead`;
  const near = nearest(key, known);
  if (near !== undefined) return `unknown key ${show(key)}: did you mean ${near}?`;
  if (key.startsWith('//')) return `unknown key ${show(key)}: a comment begins with # here`;
  const home = homes.find(({ keys }) => keys().includes(key));
  if (home !== undefined) return `unknown key ${show(key)}: it belongs below ${home.name}`;
  return `unknown key ${show(key)}: remove it; the keys here are ${known.join(', ')}`;
}

/** Where a key may belong that stands at a wrong place; the first that has it. */
const homes = [
  ['listeners', 'NAME'],
  ['backends', 'NAME'],
  ['listeners', 'NAME', 'timeouts'],
  ['listeners', 'NAME', 'limits'],
  ['backends', 'NAME', 'timeouts'],
  ['backends', 'NAME', 'limits'],
  ['backends', 'NAME', 'healthCheck'],
  ['log'],
].map(path => ({ name: path.join('.'), keys: () => knownKeys(path) }));

const shapes: Readonly<Record<string, string>> = {
  object: 'a mapping of keys',
  record: 'a mapping of names',
  array: 'a list',
  string: 'text',
  boolean: 'true or false',
};

function wordsOf(issue: Issue): { rule: string; message: string } {
  switch (issue.code) {
    case 'invalid_type': {
      const shape = shapes[issue.expected] ?? issue.expected;
      if (issue.input === undefined) return { rule: 'missing-key', message: `is missing: add it, it is ${shape}` };
      if (issue.input === null)
        return { rule: 'invalid-type', message: `is empty: ${emptyAdvice(issue.expected, shape)} or remove the key` };
      return { rule: 'invalid-type', message: `${show(issue.input)} is not ${shape}: ${shapeAdvice(issue, shape)}` };
    }
    case 'invalid_value': {
      const choices = issue.values.map(String);
      const near = typeof issue.input === 'string' ? nearest(issue.input, choices) : undefined;
      const hint = near === undefined ? `use ${choices.join(', ')}` : `did you mean ${near}?`;
      return { rule: 'invalid-value', message: `${show(issue.input)} is not one of ${choices.join(', ')}: ${hint}` };
    }
    case 'too_small':
      return { rule: 'out-of-range', message: `the list is too short: give it at least ${issue.minimum} entry` };
    case 'too_big':
      return { rule: 'out-of-range', message: `the list is too long: give it at most ${issue.maximum} entries` };
    default:
      return { rule: 'invalid-value', message: issue.message };
  }
}

/** Keys at the same indentation as the key that should hold them: the usual reason why a mapping is empty. */
function emptyAdvice(expected: string, shape: string): string {
  return expected === 'object' || expected === 'record' ? 'indent its keys below it,' : `give it ${shape}`;
}

function shapeAdvice({ expected, input }: { expected: string; input?: unknown }, shape: string): string {
  if (expected === 'record' && Array.isArray(input)) return 'write NAME: where each - is';
  if (expected === 'array' && typeof input !== 'object') return `write [${show(input)}]`;
  return `write ${shape} here`;
}
