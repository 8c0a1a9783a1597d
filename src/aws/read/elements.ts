/** Reads values and lists from documents; what is wrong is told and left out, and the rest counts. */
import type { z } from 'zod';
import { below, type DocumentPlace, jsonPath, type Steps } from '../place.js';
import { described } from './shown.js';

/** Elements of lists in all files together. */
export const MAX_ELEMENTS = 100_000;

export type Tell = (at: DocumentPlace, message: string) => void;

export class Elements {
  readonly tell: Tell;
  private left = MAX_ELEMENTS;
  private told = 0;

  constructor(tell: Tell) {
    this.tell = (at, message) => {
      this.told += 1;
      tell(at, message);
    };
  }

  /** What `make` makes; undefined when something in it is wrong: for things that say something else with a part left out. */
  whole<R>(make: () => R): R | undefined {
    const before = this.told;
    const made = make();
    return this.told === before ? made : undefined;
  }

  /** The value in its shape; undefined when it is not of that shape, which is told. */
  read<S extends z.ZodType>(shape: S, value: unknown, at: DocumentPlace): z.output<S> | undefined {
    const result = shape.safeParse(value);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const path = (issue?.path ?? []).filter(step => typeof step !== 'symbol');
    const place = below(at, ...path);
    const found = valueAt(value, path);
    const wanted = issue?.message ?? 'something else';
    const missing = found === undefined || found === null;
    this.tell(
      place,
      `${jsonPath(place.steps)} ${missing ? `is missing: it should be ${wanted}` : `should be ${wanted}, not ${described(found)}`}`,
    );
    return undefined;
  }

  /** The elements of a list that are of the shape and of which `make` makes something. A list may be left out. */
  each<S extends z.ZodType, R>(
    shape: S,
    list: unknown,
    at: DocumentPlace,
    make: (element: z.output<S>, at: DocumentPlace) => R | undefined,
  ): R[] {
    if (list === undefined || list === null) return [];
    if (!Array.isArray(list)) {
      this.tell(at, `${jsonPath(at.steps)} should be a list, not ${described(list)}`);
      return [];
    }
    const made: R[] = [];
    for (const [index, value] of list.entries()) {
      const place = below(at, index);
      if (!this.take(place)) break;
      const element = this.read(shape, value, place);
      const thing = element === undefined ? undefined : make(element, place);
      if (thing !== undefined) made.push(thing);
    }
    return made;
  }

  /** Strings as they are. */
  strings(shape: z.ZodType<string>, list: unknown, at: DocumentPlace): string[] {
    return this.each(shape, list, at, element => element);
  }

  private take(at: DocumentPlace): boolean {
    this.left -= 1;
    if (this.left === -1) {
      this.tell(at, `the files hold more than ${MAX_ELEMENTS} elements of lists, and those from here on were not read`);
    }
    return this.left >= 0;
  }
}

/** Own keys only: a key like `__proto__` is one like any other. */
function valueAt(value: unknown, steps: Steps): unknown {
  return steps.reduce<unknown>((found, step) => {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    return Reflect.get(found, step);
  }, value);
}
