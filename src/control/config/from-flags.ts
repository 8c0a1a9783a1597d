/**
 * Configuration from the command line: the flags become the small document that one would write for them, in which
 * every value stands at its flag, and that takes the same way as a file.
 */
import { formatPath, type Path, type Place } from './problem.js';
import { type ConfigResult, review } from './review.js';
import type { Tree } from './tree.js';

/** The flags of `usher run` without a file. */
export interface Flags {
  readonly listen?: string | undefined;
  readonly backendPort?: string | undefined;
  readonly proxyProtocol?: string | undefined;
  readonly trustedSource?: readonly string[] | undefined;
  /** An address, or `off`. */
  readonly admin?: string | undefined;
}

/** Name of the one listener, and of its backend, in metrics and logs. */
const LISTENER = 'main';

/** The settings that the flags mean, or every problem; `file` of a problem is the flag, its line is 0. */
export function settingsFromFlags(flags: Flags): ConfigResult {
  const listener = ['listeners', LISTENER];
  const sources = flags.trustedSource?.length === 0 ? undefined : flags.trustedSource;
  const document = map('usher run', [], {
    listeners: map('usher run', ['listeners'], {
      [LISTENER]: map('usher run', listener, {
        listen: leaf('--listen', [...listener, 'listen'], flags.listen),
        backendPort: leaf('--backend-port', [...listener, 'backendPort'], flags.backendPort),
        proxyProtocol: leaf('--proxy-protocol', [...listener, 'proxyProtocol'], flags.proxyProtocol),
        trustedSources: list('--trusted-source', [...listener, 'trustedSources'], sources),
      }),
    }),
    admin:
      flags.admin === undefined || flags.admin === 'off'
        ? leaf('--admin', ['admin'], flags.admin)
        : map('--admin', ['admin'], { listen: leaf('--admin', ['admin', 'listen'], flags.admin) }),
  });
  return review(document, []);
}

function at(flag: string, path: Path): Place {
  return { file: flag, line: 0, column: 0, path: formatPath(path) };
}

function leaf(flag: string, path: Path, value: string | undefined): Tree {
  return { kind: 'leaf', place: at(flag, path), value };
}

function list(flag: string, path: Path, values: readonly string[] | undefined): Tree {
  if (values === undefined) return leaf(flag, path, undefined);
  const items = values.map((value, index) => leaf(flag, [...path, index], value));
  return { kind: 'list', place: at(flag, path), items };
}

function map(flag: string, path: Path, entries: Readonly<Record<string, Tree>>): Tree {
  return { kind: 'map', place: at(flag, path), entries: new Map(Object.entries(entries)) };
}
