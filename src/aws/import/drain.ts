/** `drain`: how usher stops, in the time that the balancer and the task leave it. */
import { DEREGISTRATION_DELAY, isOn, UNHEALTHY_TERMINATION } from '../attributes.js';
import type { Estate, TargetGroup } from '../estate.js';
import type { Flow } from '../flow.js';
import { setAttribute } from '../flows-network.js';
import { annotationOf, groupAttributes, isNetwork } from '../flows-service.js';
import { groupOf, serviceOf } from '../look-up.js';
import { ushersOf } from './containers.js';
import { type Entry, entry, type Note, question, remark, shown } from './entry.js';

/** Seconds from SIGTERM to SIGKILL where nothing else is said, on ECS and Kubernetes. */
const STOP = 30;
/** What usher wants between the end of its drain and SIGKILL; at least two seconds of it. */
const END = 5;
const LEAST_END = 2;
/** New connections come for so long after a Network Load Balancer was told to stop. */
const LATE = 120;
/** Longer helps nobody: the last new connections come after about two minutes. */
const LONGEST = 180;
/** As long as listeners may be closed before a balancer calls the target unhealthy. */
const CLOSED = 60;

/** A time that the drain has to fit into. */
interface Bound {
  /** Seconds for `drain.timeout`. */
  readonly seconds: number;
  /** Whose time it is. */
  readonly words: string;
}

/** @param listens ports that the balancer sends to; `readyz`: its health check asks `/readyz`. */
export function drainEntries(
  estate: Estate,
  flows: readonly Flow[],
  listens: ReadonlySet<number>,
  readyz: boolean,
): Entry[] {
  const stop = stopBound(estate, listens);
  const bounds = [stop.bound, ...balancerBounds(estate, flows)];
  const tightest = bounds.reduce((least, bound) => (bound.seconds < least.seconds ? bound : least));
  const timeout = Math.max(1, Math.min(LONGEST, tightest.seconds));
  const [deregisterDelay, closeOver] = steps(timeout);
  return [
    entry('timeout', `${timeout}s`, `fits into ${tightest.words}`, ...stop.notes, ...drainingOff(estate, flows)),
    entry('deregisterDelay', `${deregisterDelay}s`, 'new connections still come for a while'),
    entry('closeOver', `${closeOver}s`, 'WebSockets are closed one after the other'),
    ...(readyz ? failReadiness(estate, flows) : []),
  ];
}

/** How long connections are accepted, and over what time WebSockets are closed; together shorter than `timeout`. */
function steps(timeout: number): readonly [number, number] {
  if (timeout < CLOSED) return [Math.floor(timeout / 5), Math.floor(timeout * 0.4)];
  const delay = Math.max(Math.ceil(timeout * 0.52), timeout - CLOSED);
  return [delay, Math.min(Math.floor(timeout * 0.35), timeout - delay - END)];
}

/** From the shortest stopTimeout of the containers that are usher. */
function stopBound(estate: Estate, listens: ReadonlySet<number>): { bound: Bound; notes: readonly Note[] } {
  const ushers = ushersOf(estate, listens);
  const times = ushers.map(({ stopTimeout }) => stopTimeout?.value ?? STOP);
  const seconds = times.length === 0 ? STOP : Math.min(...times);
  const room = seconds >= 2 * END ? seconds - END : seconds - LEAST_END;
  if (times.length > 0) {
    const given = ushers.some(({ stopTimeout }) => stopTimeout?.value === seconds);
    return { bound: { seconds: room, words: `${given ? '' : "ECS's default "}stopTimeout ${seconds}s` }, notes: [] };
  }
  const bound = { seconds: room, words: `${seconds}s from SIGTERM to SIGKILL` };
  const say = 'stopTimeout (ECS), terminationGracePeriodSeconds (Kubernetes) or TimeoutStopSec (systemd)';
  const words = `How long may usher take from SIGTERM to SIGKILL? The files do not say, and ${seconds}s are assumed. Raise ${say}, to 120s say, and then timeout and the two below it.`;
  return { bound, notes: [question(words)] };
}

function balancerBounds(estate: Estate, flows: readonly Flow[]): Bound[] {
  return flows.flatMap(flow => {
    if (flow.kind === 'clb') return classicBounds(estate, flow);
    return flow.kind === 'nlb' ? groupBounds(groupOf(estate, flow)) : serviceBounds(estate, flow);
  });
}

function classicBounds({ classics }: Estate, { balancer }: Flow): Bound[] {
  const seconds = classics.find(({ name }) => name === balancer)?.connectionDraining?.value ?? 0;
  return seconds === 0 ? [] : [{ seconds, words: `connection draining of ${shown(balancer)}, ${seconds}s` }];
}

function groupBounds(group: TargetGroup | undefined): Bound[] {
  const delay = secondsOf(group?.attributes?.get(DEREGISTRATION_DELAY)?.value);
  return delay === undefined || group === undefined ? [] : delayBounds(delay, shown(group.name));
}

function serviceBounds(estate: Estate, flow: Flow): Bound[] {
  const service = serviceOf(estate, flow);
  if (service === undefined) return [];
  if (isNetwork(service)) {
    const delay = secondsOf(groupAttributes(service).get(DEREGISTRATION_DELAY));
    return delay === undefined ? [] : delayBounds(delay, shown(service.name));
  }
  const seconds = secondsOf(annotationOf(service, 'connection-draining-timeout')?.value);
  return seconds === undefined
    ? []
    : [{ seconds, words: `connection draining of ${shown(service.name)}, ${seconds}s` }];
}

/** Behind the delay new connections may come for two minutes; where it has no room for that, the whole delay counts. */
function delayBounds(delay: number, owner: string): Bound[] {
  if (delay === 0) return [];
  const seconds = delay >= LATE + 2 * END ? delay - LATE : delay;
  return [{ seconds, words: `deregistration delay of ${owner}, ${delay}s` }];
}

function secondsOf(text = ''): number | undefined {
  return /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}

function drainingOff({ classics }: Estate, flows: readonly Flow[]): Note[] {
  const names = new Set(flows.filter(({ kind }) => kind === 'clb').map(({ balancer }) => balancer));
  return classics
    .filter(({ name, connectionDraining }) => names.has(name) && connectionDraining?.value === 0)
    .map(({ name }) =>
      remark(`Connection draining of ${shown(name)} is off: it cuts what is open when a target goes. Turn it on.`),
    );
}

/** A target that turns unhealthy loses its connections by default: then readiness must not fail while they are ended. */
function failReadiness(estate: Estate, flows: readonly Flow[]): Entry[] {
  const cutting = [...new Set(flows.map(flow => groupOf(estate, flow)))].flatMap(group =>
    group !== undefined && isOn(group, UNHEALTHY_TERMINATION, true) === true ? [group] : [],
  );
  if (cutting.length === 0) return [];
  const words = `A target that fails its health check loses its connections at once (${UNHEALTHY_TERMINATION}). Better turn that off, and remove the next line:`;
  const commands = cutting.map(({ arn }) => setAttribute(arn, UNHEALTHY_TERMINATION, 'false'));
  return [entry('failReadiness', 'false', undefined, remark(words, ...commands))];
}
