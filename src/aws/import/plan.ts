/** Which ports usher binds and dials, and what its listeners are called. */
import type { Estate } from '../estate.js';
import type { Flow } from '../flow.js';
import { listed } from '../words.js';
import { type AdminPlan, planAdmin } from './admin.js';
import { checkedPorts, checksOf } from './checks.js';
import { applicationPorts } from './containers.js';
import type { Door, Doors } from './doors.js';
import { type Entry, entry, type Note, question, remark, shown } from './entry.js';
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
  /** A backend that several listeners share. */
  readonly shared: Shared | undefined;
  readonly admin: AdminPlan;
}

export interface Shared {
  /** The port of its only endpoint. */
  readonly port: number;
  readonly note: Note;
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
  const ofApplication = known === undefined ? webDoors(doors) : sharers(doors);
  const shared = ofApplication.length > 1 ? sharedBackend(known, ofApplication, ports, application) : undefined;
  const [first] = doors.length > 1 ? doors.filter(door => !ofApplication.includes(door)) : [];
  const places = doors.map((door, index): Place => {
    const { listen } = opened[index] ?? { listen: 0 };
    const backend = ofApplication.includes(door)
      ? knownBackend(shared, known, application.words)
      : entry('backendPort', ports.next(PLACEHOLDER), undefined, askPort(door, listen, application, door === first));
    return { door, name: names[index] ?? '', listen, backend };
  });
  return { places, shared, admin };
}

/** Where the application's port is not known it gets a placeholder, and is asked for once. */
function sharedBackend(
  known: number | undefined,
  sharing: readonly Door[],
  ports: Ports,
  { candidates }: Application,
): Shared {
  if (known !== undefined) return { port: known, note: sharedNote() };
  const listens = sharing.flatMap(({ port }) => port ?? []);
  return { port: ports.next(PLACEHOLDER), note: askShared(listens, candidates) };
}

const WEB: ReadonlySet<number | undefined> = new Set([80, 443]);

/** 443 and 80 of one balancer, which lead to one application nearly always; none where there are several such balancers. */
function webDoors(doors: readonly Door[]): readonly Door[] {
  const web = doors.filter(
    ({ port, protocol, flows }) => port !== undefined && protocol === 'http' && flows.every(isWeb),
  );
  const balancers = new Set(web.flatMap(({ flows }) => flows.map(({ kind, balancer }) => `${kind} ${balancer}`)));
  return balancers.size === 1 && web.length > 1 ? web : [];
}

function isWeb({ frontPort }: Flow): boolean {
  return WEB.has(frontPort);
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

function knownBackend(shared: Shared | undefined, port: number | undefined, words: string): Entry {
  return shared === undefined ? entry('backendPort', port, words) : entry('backend', SHARED);
}

const ONE_BACKEND = `Listeners that lead to one application name one backend: it stands under backends, and they have backend in place of backendPort.`;

function askPort({ protocol }: Door, listen: number, { port, candidates }: Application, isFirst: boolean): Note {
  const move = `If it listens on ${listen} today, give it another one: that is usher's now.`;
  const together = isFirst ? ` ${ONE_BACKEND}` : '';
  if (port === listen || (port !== undefined && candidates.length === 1 && protocol === 'http'))
    return question(`Port ${port} is usher's own. Which other port of this machine will the application listen on?`);
  return question(`${WHERE}${containerPorts(candidates)} ${move}${together}`);
}

const WHERE = 'On which port of this machine does the application behind usher listen?';

function containerPorts(candidates: readonly number[]): string {
  return candidates.length > 1 ? ` Its containers have the ports ${listed(candidates)}.` : '';
}

function askShared(listens: readonly number[], candidates: readonly number[]): Note {
  const today = listens.length === 1 ? `${listens[0]}` : `one of ${listed(listens)}`;
  const move = `If it listens on ${today} today, give it another one: these are usher's now.`;
  const apart =
    'Ports 443 and 80 of a balancer mostly lead to one application; where they do not, give each listener a backendPort of its own in place of backend.';
  return question(`${WHERE}${containerPorts(candidates)} ${move} ${apart}`);
}

/** The words above a shared backend. */
function sharedNote(): Note {
  return remark(
    'All listeners lead to one application. Where they are of several, give each a backendPort of its own.',
  );
}
