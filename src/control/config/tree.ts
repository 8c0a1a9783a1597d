/**
 * The document between YAML and schema: plain values of which each knows its place. Values that the schema refuses
 * are cut out of it, so that the rules can look at the rest and every problem is told in one run.
 */
import { formatPath, type Path, type Place } from './problem.js';

export type Tree =
  | { readonly kind: 'leaf'; readonly place: Place; readonly value: unknown }
  | { readonly kind: 'map'; readonly place: Place; readonly entries: ReadonlyMap<string, Tree> }
  | { readonly kind: 'list'; readonly place: Place; readonly items: readonly Tree[] };

/** The tree as plain objects, arrays and scalars. Keys named `__proto__` never get into a tree (see positions.ts). */
export function plain(tree: Tree): unknown {
  if (tree.kind === 'leaf') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plain);
  return Object.fromEntries([...tree.entries].map(([key, child]) => [key, plain(child)]));
}

/** The value at a path; undefined when there is none. */
export function find(tree: Tree, path: Path): Tree | undefined {
  let found: Tree | undefined = tree;
  for (const step of path) {
    if (found === undefined) return undefined;
    found = childOf(found, step);
  }
  return found;
}

/** The place of the value at a path; of its nearest ancestor, when it is missing, but always with the whole path. */
export function placeOf(tree: Tree, path: Path): Place {
  let nearest = tree;
  for (const [depth, step] of path.entries()) {
    const child = childOf(nearest, step);
    if (child === undefined) return { ...nearest.place, path: formatPath(path.slice(depth), nearest.place.path) };
    nearest = child;
  }
  return nearest.place;
}

/** Whether something was written at a path (a flag that was left out is a leaf that holds undefined). */
export function isGiven(tree: Tree, path: Path): boolean {
  const found = find(tree, path);
  return found !== undefined && !(found.kind === 'leaf' && found.value === undefined);
}

/**
 * What must go when the value at a path is refused: the value; the list item that holds it, because half an item would
 * mean something else; the nearest ancestor, when the value is missing.
 */
export function condemned(tree: Tree, path: Path): Tree {
  const [step, ...rest] = path;
  const child = step === undefined ? undefined : childOf(tree, step);
  if (child === undefined) return tree;
  return tree.kind === 'list' ? child : condemned(child, rest);
}

/** A tree without some of its parts; undefined when the whole is one of them. */
export function without(tree: Tree, parts: ReadonlySet<Tree>): Tree | undefined {
  if (parts.has(tree)) return undefined;
  if (tree.kind === 'leaf') return tree;
  if (tree.kind === 'list') return { ...tree, items: tree.items.flatMap(item => without(item, parts) ?? []) };
  const entries = new Map<string, Tree>();
  for (const [key, child] of tree.entries) {
    const left = without(child, parts);
    if (left !== undefined) entries.set(key, left);
  }
  return { ...tree, entries };
}

function childOf(tree: Tree, step: string | number): Tree | undefined {
  if (tree.kind === 'map') return tree.entries.get(String(step));
  if (tree.kind === 'list' && typeof step === 'number') return tree.items[step];
  return undefined;
}
