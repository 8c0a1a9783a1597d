/** The admin listener: where a balancer's health check has a port of its own, it is the one to answer it. */

import { listed } from '../words.js';
import type { Check } from './checks.js';
import { type Entry, entry, type Note, question, remark, shown } from './entry.js';
import type { Ports } from './ports.js';

const DEFAULT_PORT = 9180;
const ANSWERED: ReadonlySet<string> = new Set(['/readyz', '/livez']);

export interface AdminPlan {
  readonly listen: Entry;
  /** The checks that it answers. */
  readonly checks: readonly Check[];
}

/**
 * @param ports those that are given already, of listeners and of the application
 * @param application where the application itself may listen
 */
export function planAdmin(checks: readonly Check[], ports: Ports, application: ReadonlySet<number>): AdminPlan {
  const own = checks.filter(({ port }) => port !== 'traffic-port' && !ports.has(port) && !application.has(port));
  const [first] = own;
  const past = checks.filter(({ port }) => port !== 'traffic-port' && application.has(port));
  const notes = past.length === 0 ? [] : [pastUsher(past)];
  if (first === undefined || first.port === 'traffic-port') {
    const port = ports.next(DEFAULT_PORT);
    if (checks.length > past.length) notes.push(trafficPort(port));
    return { listen: entry('listen', `127.0.0.1:${port}`, undefined, ...notes), checks: [] };
  }
  const { port } = first;
  const answered = own.filter(check => check.port === port);
  const others = own.filter(check => check.port !== port);
  if (others.length > 0) notes.push(elsewhere(port, others));
  const asked = answered.flatMap(check => checkNote(check));
  const listen = entry(
    'listen',
    `0.0.0.0:${ports.take(port)}`,
    "open it to the balancer's subnets only",
    ...notes,
    ...asked,
  );
  return { listen, checks: answered };
}

function pastUsher(checks: readonly Check[]): Note {
  const owners = listed([...new Set(checks.map(({ owner, port }) => `${owner} (port ${port})`))]);
  const better = `HTTP on a port of usher's own, path /readyz, and 0.0.0.0 here`;
  return remark(`The health check of ${owners} asks the application past usher. ${better}, would ask usher too.`);
}

function trafficPort(port: number): Note {
  return remark(
    `The health check goes through a listener, which refuses connections while it is full or drained. HTTP on port ${port}, path /readyz, and 0.0.0.0 here, asks usher itself.`,
  );
}

function elsewhere(port: number, checks: readonly Check[]): Note {
  const owners = listed([...new Set(checks.map(check => `${check.owner} (port ${check.port})`))]);
  return question(`The health check of ${owners} goes to a port where nothing listens. Can it go to ${port}, too?`);
}

function checkNote({ owner, protocol, path, askReadyz }: Check): Note[] {
  if (protocol === 'HTTPS' || protocol === 'SSL')
    return [
      question(
        `The health check of ${owner} speaks TLS, which usher does not end. Make it HTTP, /readyz.`,
        ...askReadyz,
      ),
    ];
  if (protocol !== 'HTTP')
    return [remark(`The TCP check of ${owner} passes as long as this port is open; HTTP, /readyz, says more.`)];
  if (path !== undefined && ANSWERED.has(path)) return [remark(`The health check of ${owner} asks ${path} here.`)];
  const now = path === undefined ? 'another path' : shown(path);
  return [
    question(
      `The health check of ${owner} asks ${now}, and this port answers /readyz and /livez only. Make it ask /readyz.`,
      ...askReadyz,
    ),
  ];
}
