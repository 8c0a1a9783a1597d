/** Which ports usher binds and dials, and what its listeners are called. */
import type { Estate } from '../estate.js';
import { type AdminPlan, planAdmin } from './admin.js';
import { checkedPorts, checksOf } from './checks.js';
import { applicationPorts } from './containers.js';
import type { Door, Doors } from './doors.js';
import { type Entry, entry, listed, type Note, question, remark, shown } from './entry.js';
import { namesOf } from './names.js';
import { Ports } from './ports.js';

export interface Place {
  readonly door: Door;
  readonly name: string;
  readonly listen: number;
  /** `backendPort` or `backend`. */
  readonly backend: Entry;
}

export interface Plan {
  readonly places: readonly Place[];
  /** A backend that several listeners share: its only endpoint. */
  readonly shared: number | undefined;
  readonly admin: AdminPlan;
}

/** Name of the backend that several listeners share. */
export const SHARED = 'app';
/** Where an application's port is not known, they begin here. */
const PLACEHOLDER = 3000;
const LISTEN_PLACEHOLDER = 8080;

/** `backendPort`: where the application listens, when a person said so. */
export function planPorts(estate: Estate, { doors, strangePorts }: Doors, backendPort: number | undefined): Plan {
  const ports = new Ports([...strangePorts, ...checkedPorts(estate)]);
  for (const { port } of doors) if (port !== undefined) ports.take(port);
  const application = findApplication(estate, doors, backendPort);
  const known = application.port === undefined || ports.has(application.port) ? undefined : application.port;
  if (known !== undefined) ports.take(known);
  const checks = checksOf(
    estate,
    doors.flatMap(door => door.flows),
  );
  const candidates = new Set(application.candidates.filter(port => port === known || !ports.has(port)));
  const admin = planAdmin(checks, ports, candidates);
  const opened = doors.map(door => ({ ...door, listen: door.port ?? ports.next(LISTEN_PLACEHOLDER) }));
  const names = namesOf(estate, opened);
  const ofApplication = sharers(doors);
  const shared = known !== undefined && ofApplication.length > 1 ? known : undefined;
  const places = doors.map((door, index): Place => {
    const { listen } = opened[index] ?? { listen: 0 };
    const isKnown = known !== undefined && ofApplication.includes(door);
    return {
      door,
      name: names[index] ?? '',
      listen,
      backend: isKnown
        ? knownBackend(known, shared !== undefined, application.words)
        : entry('backendPort', ports.next(PLACEHOLDER), undefined, askPort(door, listen, application)),
    };
  });
  return { places, shared, admin };
}

interface Application {
  /** The one port that it has; undefined: it is not known. */
  readonly port: number | undefined;
  /** All that may be it. */
  readonly candidates: readonly number[];
  /** From where that is known. */
  readonly words: string;
}

function findApplication(estate: Estate, doors: readonly Door[], given: number | undefined): Application {
  if (given !== undefined) return { port: given, candidates: [given], words: 'as --backend-port says' };
  const listens = new Set(doors.flatMap(({ port }) => port ?? []));
  const found = applicationPorts(estate, listens);
  const free = found.filter(({ port }) => !listens.has(port));
  const [first] = free;
  const candidates = free.map(({ port }) => port);
  if (first === undefined || free.length > 1) return { port: undefined, candidates, words: '' };
  return { port: first.port, candidates, words: `container ${shown(first.container)} listens there` };
}

/** The doors that may lead to one application: HTTP is not spoken where TLS is passed through. */
function sharers(doors: readonly Door[]): readonly Door[] {
  const http = doors.filter(({ protocol }) => protocol === 'http');
  return http.length > 0 ? http : doors;
}

function knownBackend(port: number, isShared: boolean, words: string): Entry {
  return isShared ? entry('backend', SHARED) : entry('backendPort', port, words);
}

function askPort({ protocol }: Door, listen: number, { port, candidates }: Application): Note {
  const move = `If it listens on ${listen} today, give it another one: that is usher's now.`;
  if (port === listen || (port !== undefined && candidates.length === 1 && protocol === 'http'))
    return question(`Port ${port} is usher's own. Which other port of this machine will the application listen on?`);
  const some = candidates.length > 1 ? ` Its containers have the ports ${listed(candidates)}.` : '';
  return question(`On which port of this machine does the application behind usher listen?${some} ${move}`);
}

/** The words above a shared backend. */
export function sharedNote(): Note {
  return remark(
    'All listeners lead to one application. Where they are of several, give each a backendPort of its own.',
  );
}
