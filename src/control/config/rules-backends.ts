/** Rules about who forwards where: every listener has a backend, every name is known, no route stands twice. */
import { nearest } from './nearest.js';
import { formatPath, type Path, show } from './problem.js';
import { find, type Tree } from './tree.js';
import type { Finding, View } from './view.js';

/** `no-listeners`: a configuration that would do nothing. */
export function* noListeners(view: View): Iterable<Finding> {
  if (view.names('listeners').length > 0 || !view.isSound('listeners')) return;
  const message = 'there is no listener: add one, such as listeners: { chat: { listen: 8080, backendPort: 3000 } }';
  yield { rule: 'no-listeners', path: view.isGiven('listeners') ? ['listeners'] : [], message };
}

/** `missing-key`: a listener without `listen`. */
export function* missingListen(view: View): Iterable<Finding> {
  for (const name of Object.keys(view.config.listeners))
    if (!view.isGiven('listeners', name, 'listen'))
      yield {
        rule: 'missing-key',
        path: ['listeners', name, 'listen'],
        message: 'is missing: add it, such as 8080',
      };
}

/** `backend-choice`: backendPort alone, or backend, or routes, or backend with routes. */
export function* backendChoice(view: View): Iterable<Finding> {
  for (const name of Object.keys(view.config.listeners)) {
    const path = ['listeners', name];
    const given = ['backendPort', 'backend', 'routes'].filter(key => view.isGiven(...path, key));
    const owner = formatPath(path);
    if (given.length === 0) {
      const message = `${owner} has no backend: give it one of backendPort, backend and routes`;
      yield { rule: 'backend-choice', path: [...path, 'backendPort'], message };
    } else if (given.length > 1 && given[0] === 'backendPort') {
      const message = `${owner} has ${given.join(' and ')}: keep backendPort alone, or name the backend of that port`;
      yield { rule: 'backend-choice', path: [...path, 'backendPort'], message };
    }
  }
}

/** `backend-name-taken`: the backend that backendPort makes is named like its listener. */
export function* backendNameTaken(view: View): Iterable<Finding> {
  for (const [name, { backendPort }] of Object.entries(view.config.listeners)) {
    if (backendPort === undefined || !view.isGiven('backends', name)) continue;
    const owner = formatPath(['listeners', name]);
    const taken = view.mention(formatPath(['backends', name]), ['backends', name]);
    const message = `the backend port of ${owner} makes a backend named ${name}, and ${taken} has that name: rename one of them, or write backend: ${name} instead of backendPort`;
    yield { rule: 'backend-name-taken', path: ['listeners', name, 'backendPort'], message };
  }
}

/** `unknown-backend`: a name that stands nowhere below `backends`. */
export function* unknownBackend(view: View): Iterable<Finding> {
  const known = view.names('backends');
  for (const { tree, path, name } of references(view)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    const hint =
      near !== undefined
        ? `did you mean ${near}?`
        : known.length === 0
          ? 'define it below backends'
          : `define it below backends, or use one of ${known.slice(0, 10).join(', ')}`;
    yield { rule: 'unknown-backend', path, at: tree.place, message: `no backend is named ${show(name)}: ${hint}` };
  }
}

/** `unused-backend` (warning). Silent while something is refused: that may have been its user. */
export function* unusedBackend(view: View): Iterable<Finding> {
  if (!view.isSound()) return;
  const used = new Set([...references(view)].map(reference => reference.name));
  for (const name of view.names('backends')) {
    if (used.has(name)) continue;
    const message = `no listener uses the backend ${show(name)}: remove it, or name it in a listener`;
    yield { rule: 'unused-backend', severity: 'warning', path: ['backends', name], message };
  }
}

/** `duplicate-route`: two routes of one listener for the same host and path, `backend` being the route for `/`. */
export function* duplicateRoute(view: View): Iterable<Finding> {
  for (const [name, { routes = [], backend }] of Object.entries(view.config.listeners)) {
    const seen = new Map<string, number>();
    for (const [index, route] of routes.entries()) {
      const path = ['listeners', name, 'routes', index];
      const key = `${route.host ?? ''} ${route.path}`;
      const first = seen.get(key);
      if (first === undefined) seen.set(key, index);
      const what = `${route.host ?? ''}${route.path}`;
      if (first !== undefined) {
        const other = view.mention(`routes[${first}]`, ['listeners', name, 'routes', first]);
        const message = `${what} is the route of ${other} already: remove one of them`;
        yield { rule: 'duplicate-route', path, message };
      } else if (key === ' /' && backend !== undefined && backend !== route.backend) {
        const other = view.mention('backend', ['listeners', name, 'backend']);
        const message = `this route sends / to ${show(route.backend)}, and ${other} sends it to ${show(backend)}: keep one of them`;
        yield { rule: 'duplicate-route', path, message };
      }
    }
  }
}

interface Reference {
  readonly tree: Tree;
  readonly path: Path;
  readonly name: string;
}

/** Every name of a backend that a listener writes; in what was written, because a refused route may name one too. */
function* references(view: View): Iterable<Reference> {
  for (const listener of view.names('listeners')) {
    const path = ['listeners', listener];
    yield* referenceAt(view, [...path, 'backend']);
    const routes = find(view.written, [...path, 'routes']);
    if (routes?.kind !== 'list') continue;
    for (const index of routes.items.keys()) yield* referenceAt(view, [...path, 'routes', index, 'backend']);
  }
}

function* referenceAt(view: View, path: Path): Iterable<Reference> {
  const tree = find(view.written, path);
  if (tree?.kind === 'leaf' && typeof tree.value === 'string') yield { tree, path, name: tree.value };
}
