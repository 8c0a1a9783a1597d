/** From what AWS and Kubernetes have been told to a configuration of usher that fits it. Pure. */
import type { Estate } from '../estate.js';
import type { Flow } from '../flow.js';
import { balancerWords, type Door, doorsOf, flowWords } from './doors.js';
import { drainEntries } from './drain.js';
import { type Entry, entry, question, shown } from './entry.js';
import { filesOf, sourcesOf, writeHead } from './head.js';
import { proxyProtocol } from './header.js';
import { keyText } from './names.js';
import { type Place, type Plan, planPorts, SHARED } from './plan.js';
import { sharedPort } from './shared-port.js';
import { type Question, Sheet } from './sheet.js';
import { forwardedProto, timeouts } from './times.js';
import { trustedSources } from './trust.js';

export type { Question } from './sheet.js';

export interface ImportOptions {
  /** Where the application listens. */
  readonly backendPort?: number | undefined;
  /** Words of a command line that name the files; left out: the files that the estate knows. */
  readonly words?: readonly string[] | undefined;
  /** What the new file will be called; left out: usher.yaml. */
  readonly file?: string | undefined;
}

export interface Imported {
  /** The commented file; undefined: no connection comes to a port that usher could open. */
  readonly yaml: string | undefined;
  readonly listeners: number;
  /** What a person has to answer, in the order of the file. */
  readonly questions: readonly Question[];
  /** What got no listener and why, one printable sentence each. */
  readonly leftOut: readonly string[];
}

/** The same file for the same input; it has no error in `usher check`. */
export function importConfig(estate: Estate, flows: readonly Flow[], options: ImportOptions = {}): Imported {
  const opened = doorsOf(estate, flows);
  const { doors, leftOut } = opened;
  if (doors.length === 0) return { yaml: undefined, listeners: 0, questions: [], leftOut };
  const plan = planPorts(estate, opened, options.backendPort);
  const body = new Sheet();
  writeListeners(body, estate, plan);
  writeRest(body, estate, doors, plan);
  const head = new Sheet();
  writeHead(head, {
    sources: sourcesOf(
      estate,
      doors.flatMap(door => door.flows),
    ),
    leftOut,
    balancers: [...new Set(doors.flatMap(door => door.flows.map(balancerWords)))],
    gaps: estate.gaps.map(({ at, message }) => `${shown(at.file)}: ${shown(message, 400)}`),
    questions: body.questions.length,
    words: options.words ?? filesOf(estate),
    file: options.file ?? 'usher.yaml',
  });
  return { yaml: head.text + body.text, listeners: doors.length, questions: body.questions, leftOut };
}

const MOST_FLOWS = 8;

function writeListeners(sheet: Sheet, estate: Estate, { places }: Plan): void {
  sheet.line(0, 'listeners:');
  for (const [index, place] of places.entries()) {
    const { door, name } = place;
    if (index > 0) sheet.line(0);
    for (const flow of door.flows.slice(0, MOST_FLOWS)) sheet.comment(1, `${flowWords(flow)}, ${shown(flow.at.file)}`);
    if (door.flows.length > MOST_FLOWS) sheet.comment(1, `and ${door.flows.length - MOST_FLOWS} more`);
    sheet.line(1, `${keyText(name)}:`);
    const path = `listeners.${name}`;
    for (const entry of listenerEntries(estate, place)) sheet.entry(2, path, entry);
    sheet.line(2, 'timeouts:');
    for (const entry of timeouts(estate, door)) sheet.entry(3, `${path}.timeouts`, entry);
  }
}

function listenerEntries(estate: Estate, { door, listen, backend }: Place): Entry[] {
  const header = proxyProtocol(estate, door);
  const sending = door.flows.filter(flow => flow.header !== 'none');
  return [
    listenEntry(door, listen),
    ...protocolEntry(door),
    header,
    ...(header.value === 'off' ? [] : [trustedSources(estate, sending)]),
    ...forwardedProto(door),
    backend,
  ];
}

function listenEntry({ port, flows }: Door, listen: number): Entry {
  if (port !== undefined) {
    const words = { clb: 'instance port', nlb: 'port of the targets', service: 'port of the pod' };
    return entry('listen', listen, words[flows[0].kind], ...sharedPort(flows));
  }
  const why = flows[0].kind === 'service' ? 'The Service names the port of the pod' : 'The files do not name the port';
  return entry('listen', listen, undefined, question(`On which port shall usher listen? ${why}.`));
}

function protocolEntry({ protocol }: Door): Entry[] {
  if (protocol === 'http') return [];
  const words =
    "Do clients speak TLS here? The balancer passes port 443 on as it is, and usher ends no TLS: with tcp the application gets the clients' TLS untouched, and learns the client with sendProxyProtocol only. Where the balancer shall end TLS, make its listener TLS or SSL and write http here.";
  return [entry('protocol', 'tcp', undefined, question(words))];
}

function writeRest(sheet: Sheet, estate: Estate, doors: readonly Door[], { shared, admin }: Plan): void {
  if (shared !== undefined) {
    sheet.line(0);
    sheet.line(0, 'backends:');
    sheet.line(1, `${SHARED}:`);
    sheet.entry(2, `backends.${SHARED}`, entry('endpoints', `[${shared.port}]`, undefined, shared.note));
  }
  sheet.line(0);
  sheet.line(0, 'admin:');
  sheet.entry(1, 'admin', admin.listen);
  sheet.line(0);
  sheet.line(0, 'drain:');
  const listens = new Set(doors.flatMap(({ port }) => port ?? []));
  const flows = doors.flatMap(door => door.flows);
  const readyz = admin.checks.some(({ path }) => path?.split('?')[0] === '/readyz');
  for (const entry of drainEntries(estate, flows, listens, readyz)) sheet.entry(1, 'drain', entry);
}
