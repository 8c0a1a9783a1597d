/** What is wrong with a configuration, where, and how it is told. */

/** One fault (the configuration is refused) or warning (it is used as it is). */
export interface Problem {
  /** Stable name, `duplicate-backend-port`; scripts may hold on to it. */
  readonly rule: string;
  readonly severity: 'error' | 'warning';
  /** The file, or the flag (`--backend-port`) when the configuration came from the command line. */
  readonly file: string;
  /** From 1; 0 when there is no line to point at (a flag, a file that cannot be read). */
  readonly line: number;
  /** From 1, in UTF-16 units; 0 as for `line`. */
  readonly column: number;
  /** Path of the key, `listeners.web.routes[0].backend`; empty for the whole document. */
  readonly path: string;
  /** What is wrong and what to do, one line. */
  readonly message: string;
}

/** Where a value stands: its key in a mapping, itself in a list. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
}

/** Keys and list indexes from the root of the document. */
export type Path = readonly (string | number)[];

/** A problem at a place. */
export function problemAt(
  place: Place,
  rule: string,
  message: string,
  severity: Problem['severity'] = 'error',
): Problem {
  const { file, line, column, path } = place;
  return { rule, severity, file, line, column, path, message };
}

/** One line: `usher.yaml:9:5 listeners.web.backendPort: … [duplicate-backend-port]`; flags have no position or path. */
export function formatProblem(problem: Problem): string {
  const { rule, severity, file, line, column, path, message } = problem;
  const position = line === 0 ? file : `${file}:${line}:${column}${path === '' ? '' : ` ${path}`}`;
  return `${position}: ${severity === 'warning' ? 'warning: ' : ''}${message} [${rule}]`;
}

/** Orders places from the top of the file to its end. */
export function byPosition(a: Place, b: Place): number {
  return a.line - b.line || a.column - b.column;
}

/** How a path is written in a problem. */
export function formatPath(path: Path, base = ''): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const key = /^[\w-]{1,64}$/.test(step) ? step : show(step);
    return text === '' ? key : `${text}.${key}`;
  }, base);
}

const LONGEST_SHOWN = 60;

/** A value from the configuration as it may stand in a message: one line, no control or direction marks, bounded. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  if (typeof value !== 'string') return String(value);
  const text = value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value;
  return JSON.stringify(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}

/** `line 4`, or the flag. */
export function placeWords(place: Place): string {
  return place.line === 0 ? place.file : `line ${place.line}`;
}
