/** Whether the limit of open files can hold what the configuration allows. */
import { descriptorsFor, type OpenFiles } from '../limits/descriptors.js';
import { DOORS } from '../listener/listener.js';
import type { Settings } from '../settings.js';
import { WHERE_TO_RAISE } from './open-files.js';

/** What usher has open besides connections of clients and to backends, and what accepts: the log, Node's own. */
const OTHERS = 64;

/** How many files this configuration may come to need. */
export function filesNeeded({ listeners, backends }: Settings): number {
  const clients = clientsOf(listeners);
  return descriptorsFor(clients, idleOf(backends, clients), OTHERS + DOORS * listeners.length);
}

/** What is wrong and what to do; undefined: nothing. */
export function filesMissing(settings: Settings, files: OpenFiles | undefined): string | undefined {
  const needed = filesNeeded(settings);
  if (files === undefined || files.limit >= needed) return undefined;
  const clients = clientsOf(settings.listeners);
  const idle = idleOf(settings.backends, clients);
  return (
    `the limit of open files is ${files.limit}, and ${clients} connections (limits.connections), as many to backends, ` +
    `${idle} idle ones (limits.idleConnections) and usher itself may need ${needed}; listeners pause where the limit is ` +
    `near: raise it to ${needed} (${WHERE_TO_RAISE}), or lower limits.connections`
  );
}

function clientsOf(listeners: Settings['listeners']): number {
  return listeners.reduce((sum, { limits }) => sum + limits.connections, 0);
}

/**
 * A name in DNS counts as one endpoint: how many it gives is not known. None has more idle connections than clients have used
 * at once.
 */
function idleOf(backends: Settings['backends'], clients: number): number {
  return backends.reduce((sum, { endpoints, dns, limits }) => {
    return sum + (endpoints.length + dns.length) * Math.min(limits.idleConnections, clients);
  }, 0);
}
