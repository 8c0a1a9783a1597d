/**
 * Finds things of a list by a key. An index is made when a list is first asked for and kept as long as the list: lists of an
 * estate never change. An account has thousands of things, and each is looked for from each.
 */
export function indexed<T extends object, K>(
  keysOf: (thing: T) => Iterable<K>,
): (list: readonly T[], key: K) => readonly T[] {
  const perList = keptFor((list: readonly T[]) => {
    const index = new Map<K, T[]>();
    for (const thing of list) {
      for (const key of new Set(keysOf(thing))) {
        const there = index.get(key);
        if (there === undefined) index.set(key, [thing]);
        else there.push(thing);
      }
    }
    return index;
  });
  return (list, key) => perList(list).get(key) ?? [];
}

/** What is made of an object that never changes, made once. */
export function keptFor<O extends object, V>(make: (of: O) => V): (of: O) => V {
  const kept = new WeakMap<O, { readonly value: V }>();
  return of => {
    const found = kept.get(of) ?? { value: make(of) };
    kept.set(of, found);
    return found.value;
  };
}
