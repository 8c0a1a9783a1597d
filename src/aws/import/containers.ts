/** What task definitions tell: which container is usher, and where the application listens. */
import type { Container, Estate } from '../estate.js';
import { looksLikeUsher } from '../looks-like-usher.js';

function listensOn({ ports }: Container, listens: ReadonlySet<number>): boolean {
  return ports.some(({ containerPort }) => listens.has(containerPort));
}

/**
 * The containers that are usher: by their name or image, and where none is called so, the one of several that has a port
 * that the balancer sends to. `listens`: those ports.
 */
export function ushersOf({ tasks }: Estate, listens: ReadonlySet<number>): readonly Container[] {
  return tasks.flatMap(({ containers }) => {
    const named = containers.filter(looksLikeUsher);
    // What is not essential may only write usher's configuration.
    const essential = named.filter(container => container.essential);
    if (named.length > 0) return essential.length > 0 ? essential : named;
    return containers.length > 1 ? containers.filter(container => listensOn(container, listens)) : [];
  });
}

/** A port of a container that is not usher. */
export interface ApplicationPort {
  readonly port: number;
  readonly container: string;
}

/** Where the application may listen, each port once. */
export function applicationPorts(estate: Estate, listens: ReadonlySet<number>): readonly ApplicationPort[] {
  const ushers = new Set(ushersOf(estate, listens));
  const found = new Map<number, ApplicationPort>();
  for (const { containers } of estate.tasks) {
    for (const container of containers) {
      if (ushers.has(container) || looksLikeUsher(container)) continue;
      for (const { containerPort: port } of container.ports)
        if (!found.has(port)) found.set(port, { port, container: container.name });
    }
  }
  return [...found.values()];
}
