/** What a rule sees of a configuration, and what it answers. */
import { byPosition, formatPath, type Path, type Place, placeWords } from './problem.js';
import type { Config, ListenerConfig } from './schema.js';
import { find, isGiven, placeOf, type Tree } from './tree.js';

/** What a rule found; its place is looked up from the path. */
export interface Finding {
  readonly rule: string;
  /** Left out: error. */
  readonly severity?: 'error' | 'warning';
  readonly path: Path;
  readonly message: string;
  /** Where it stands, when the path alone does not say it. */
  readonly at?: Place;
}

/** A rule: pure, answers with everything it finds. */
export type Rule = (view: View) => Iterable<Finding>;

/** A listener that names a backend. */
export interface BackendUse {
  readonly name: string;
  readonly listener: ListenerConfig;
  readonly backend: string;
  /** The only host whose requests go there; undefined: every host. */
  readonly host: string | undefined;
  /** `listeners.chat`. */
  readonly owner: string;
  /** Where it names the backend. */
  readonly path: Path;
}

/**
 * A configuration of which the parts that the schema refused are cut out. `config` has defaults in their place, so a
 * rule about something missing must ask `isGiven` or `isSound` first: a problem must not be told twice.
 */
export class View {
  readonly config: Config;
  /** What was written, refused parts too. */
  readonly written: Tree;
  /** What the schema accepted; the indexes of lists in `config` are those of this tree. */
  readonly accepted: Tree;
  readonly #refused: readonly Path[];

  constructor(config: Config, written: Tree, accepted: Tree, refused: readonly Path[]) {
    this.config = config;
    this.written = written;
    this.accepted = accepted;
    this.#refused = refused;
  }

  /** Whether something was written at this path, right or wrong (for paths without list indexes). */
  isGiven(...path: Path): boolean {
    return isGiven(this.written, path);
  }

  /** Whether nothing at, below or above this path was refused. */
  isSound(...path: Path): boolean {
    return !this.#refused.some(refused =>
      path.every((step, depth) => depth >= refused.length || refused[depth] === step),
    );
  }

  /** The names in a section, in the order of the file, right or wrong. */
  names(section: string): readonly string[] {
    const found = find(this.written, [section]);
    return found?.kind === 'map' ? [...found.entries.keys()] : [];
  }

  /** Where something stands. */
  place(path: Path): Place {
    // Only the indexes of lists differ between the two trees.
    return placeOf(path.some(step => typeof step === 'number') ? this.accepted : this.written, path);
  }

  /** `listeners.chat (line 4)`: an owner, and where the value at `path` stands. */
  mention(owner: string, path: Path): string {
    return `${owner} (${placeWords(this.place(path))})`;
  }

  /** Every listener that names a backend, in the order of the file; one that was refused in part has its defaults. */
  backendUses(): readonly BackendUse[] {
    const uses = Object.entries(this.config.listeners).flatMap(([name, listener]): BackendUse[] => {
      const path = ['listeners', name];
      const at = (backend: string, host: string | undefined, ...rest: Path) => ({
        name,
        listener,
        backend,
        host,
        owner: formatPath(path),
        path: [...path, ...rest],
      });
      const routes = (listener.routes ?? []).map(({ backend, host }, index) =>
        at(backend, host, 'routes', index, 'backend'),
      );
      return listener.backend === undefined ? routes : [at(listener.backend, undefined, 'backend'), ...routes];
    });
    return uses.sort((a, b) => byPosition(this.place(a.path), this.place(b.path)));
  }
}
