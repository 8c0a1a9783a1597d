/** What a reload changes, for the log and for who asked. */
import { isDeepStrictEqual } from 'node:util';
import type { BackendSettings, ListenerSettings, Settings } from '../settings.js';

/** Names; `changed` with the keys that differ: `chat (routes, limits)`. */
export interface NameChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export interface Changes {
  readonly listeners: NameChanges;
  readonly backends: NameChanges;
  /** Keys outside of the two that count from now on. */
  readonly others: readonly string[];
  /** Keys whose change waits for a restart. */
  readonly needsRestart: readonly string[];
}

/**
 * @param started what this usher was started with, which counts until a restart for some keys
 * @param before what it has now
 */
export function changesBetween(started: Settings, before: Settings, after: Settings): Changes {
  return {
    listeners: nameChanges(before.listeners, after.listeners),
    backends: nameChanges(before.backends, after.backends),
    others: differing({
      'log.level': [before.log.level, after.log.level],
      'log.access': [before.log.access, after.log.access],
      drain: [before.drain, after.drain],
    }),
    needsRestart: differing({
      admin: [started.admin, after.admin],
      'log.format': [started.log.format, after.log.format],
    }),
  };
}

/** For a person, at least one line. */
export function changeWords({ listeners, backends, others, needsRestart }: Changes): readonly string[] {
  const parts = [...nameWords('listeners', listeners), ...nameWords('backends', backends)];
  if (others.length > 0) parts.push(`changed ${others.join(', ')}`);
  const lines = [`reloaded: ${parts.length === 0 ? 'nothing has changed' : parts.join('; ')}`];
  if (needsRestart.length > 0) lines.push(`only a restart changes ${needsRestart.join(', ')}`);
  return lines;
}

function nameWords(what: string, changes: NameChanges): readonly string[] {
  const parts = Object.entries(changes).flatMap(([verb, names]: [string, readonly string[]]) =>
    names.length === 0 ? [] : [`${verb} ${names.join(', ')}`],
  );
  return parts.length === 0 ? [] : [`${what}: ${parts.join('; ')}`];
}

type Named = ListenerSettings | BackendSettings;

function nameChanges(before: readonly Named[], after: readonly Named[]): NameChanges {
  const had = new Map(before.map(each => [each.name, each]));
  const has = new Set(after.map(({ name }) => name));
  const changed = after.flatMap(each => {
    const keys = keysThatDiffer(had.get(each.name) ?? each, each);
    return keys.length === 0 ? [] : [`${each.name} (${keys.join(', ')})`];
  });
  return {
    added: after.filter(({ name }) => !had.has(name)).map(({ name }) => name),
    removed: before.filter(({ name }) => !has.has(name)).map(({ name }) => name),
    changed,
  };
}

/** Where the configuration calls it otherwise. */
const WRITTEN: Readonly<Record<string, string>> = {
  dns: 'endpoints',
  slowStartMs: 'slowStart',
  holdForMs: 'holdFor',
  refusedMethods: 'allowMethods',
  checkHeader: 'sendProxyProtocol of its listeners',
};

function keysThatDiffer(before: Named, after: Named): readonly string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  const differ = Object.entries(after).filter(([key, value]) => !isDeepStrictEqual(old.get(key), value));
  return [...new Set(differ.map(([key]) => WRITTEN[key] ?? key))];
}

function differing(pairs: Readonly<Record<string, readonly [unknown, unknown]>>): readonly string[] {
  return Object.entries(pairs).flatMap(([key, [one, other]]) => (isDeepStrictEqual(one, other) ? [] : [key]));
}
