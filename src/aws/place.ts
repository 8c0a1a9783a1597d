/** Where something stands that a finding speaks of. */

/** Keys and indexes from the root of a document. */
export type Steps = readonly (string | number)[];

/** In an output of AWS or of Kubernetes: which file, which of its documents (from 0), and the way to the value. */
export interface DocumentPlace {
  readonly kind: 'document';
  /** As it was named on the command line; `-`: standard input. */
  readonly file: string;
  readonly document: number;
  readonly steps: Steps;
}

/** In usher's configuration. */
export interface ConfigPlace {
  readonly kind: 'config';
  readonly file: string;
  /** From 1; 0: there is no line to point at. */
  readonly line: number;
  readonly column: number;
  /** `listeners.chat.proxyProtocol`. */
  readonly path: string;
}

export type Place = DocumentPlace | ConfigPlace;

/** Something that was read from a document. */
export interface At {
  readonly at: DocumentPlace;
}

/** A value below another. */
export function below(place: DocumentPlace, ...steps: Steps): DocumentPlace {
  return { ...place, steps: [...place.steps, ...steps] };
}

/** What `find` has for a place; for a value that was left out, what it has for the nearest one around it. */
export function nearest<T>(place: DocumentPlace, find: (place: DocumentPlace) => T | undefined): T | undefined {
  for (let depth = place.steps.length; depth >= 0; depth -= 1) {
    const found = find({ ...place, steps: place.steps.slice(0, depth) });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `$.LoadBalancerDescriptions[0].Subnets`, as JSONPath has it (RFC 9535). */
export function jsonPath(steps: Steps): string {
  return steps.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return /^[A-Za-z_][\w-]*$/.test(step) ? `${text}.${step}` : `${text}[${JSON.stringify(step)}]`;
  }, '$');
}
