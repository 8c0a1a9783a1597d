/** What a door says of TLS in front of it, and how long it waits. */
import type { Estate } from '../estate.js';
import { type Flow, isTls } from '../flow.js';
import { annotationOf, isNetwork } from '../flows-service.js';
import { serviceOf } from '../look-up.js';
import { command } from '../shell.js';
import type { Door } from './doors.js';
import { type Entry, entry, question, remark } from './entry.js';

/** `forwardedProto`, where the front says more than usher finds out by itself. */
export function forwardedProto({ flows, protocol }: Door): Entry[] {
  if (protocol === 'tcp') return [];
  const secure = flows.filter(({ frontProtocol }) => isTls(frontProtocol));
  if (secure.length === flows.length) return [entry('forwardedProto', 'https', 'the balancer ends TLS')];
  if (secure.length > 0) return [mixed(flows)];
  return flows.every(({ frontPort }) => frontPort === 80) ? [entry('forwardedProto', 'http', 'plain, port 80')] : [];
}

function mixed(flows: readonly Flow[]): Entry {
  const own = 'A port of its own for each of the two is certain.';
  if (flows.every(({ header }) => header === 'none')) {
    const words = `TLS and plain connections come to this port, and nothing tells them apart: all are called http. ${own}`;
    return entry('forwardedProto', 'auto', undefined, question(words));
  }
  // The destination port of a Classic Load Balancer's line is the listener's; of a v2 header that was not verified.
  const sure = flows.every(({ header }) => header === 'v1' || header === 'none');
  const by = sure ? '' : ', if that is the destination in the PROXY header, which was not verified for a v2 header';
  const words = `TLS and plain connections come to this port: https is what was dialled at port 443${by}. ${own}`;
  return entry('forwardedProto', 'auto', undefined, remark(words));
}

/** Seconds; of a Classic Load Balancer, when nothing else is said. */
const CLASSIC_IDLE = 60;
const NETWORK_IDLE = 350;
const MARGIN = 15;
const DEFAULT_KEEP_ALIVE = 75;
const HOUR = 3600;

/** Keys below `timeouts`. */
export function timeouts(estate: Estate, door: Door): Entry[] {
  const idles = door.flows.flatMap(flow => classicIdle(estate, flow));
  const idle = idles.length === 0 ? undefined : Math.max(...idles.map(({ seconds }) => seconds ?? CLASSIC_IDLE));
  const unknown = idles.filter(({ seconds }) => seconds === undefined);
  if (idle === undefined) {
    const words = `the balancer forgets a flow that was idle (${NETWORK_IDLE}s by default); usher's TCP keep-alives (60s) count`;
    return [entry('tunnel', '1h', words)];
  }
  const look = [...new Set(unknown.flatMap(({ look }) => look))];
  const tunnel =
    idle < HOUR
      ? entry('tunnel', '1h', `the balancer's ${idle}s without a byte are the shorter time: ping below it`)
      : entry('tunnel', '2h', `above the balancer's idle timeout of ${idle}s`);
  return door.protocol === 'tcp' ? [tunnel] : [keepAlive(idle, unknown.length > 0, look), tunnel];
}

function keepAlive(idle: number, assumed: boolean, look: readonly string[]): Entry {
  const notes = assumed
    ? [remark(`The idle timeout of the balancer is not in the files: ${CLASSIC_IDLE}s is its default.`, ...look)]
    : [];
  if (idle >= HOUR) {
    const words = `What is the idle timeout of ${idle}s for? usher keeps an idle connection for an hour at most and should not be the first to end it: lower it at the balancer, below 3600s.`;
    return entry('keepAlive', '1h', undefined, ...notes, question(words));
  }
  const seconds = Math.min(Math.max(idle + MARGIN, DEFAULT_KEEP_ALIVE), HOUR);
  return entry(
    'keepAlive',
    `${seconds}s`,
    `above the balancer's idle timeout of ${idle}s, so that it ends first`,
    ...notes,
  );
}

interface Idle {
  /** Undefined: not known. */
  readonly seconds: number | undefined;
  /** The command that tells. */
  readonly look: readonly string[];
}

/** The idle timeout where it is one of a Classic Load Balancer. */
function classicIdle(estate: Estate, flow: Flow): Idle[] {
  if (flow.kind === 'clb') {
    const seconds = estate.classics.find(({ name }) => name === flow.balancer)?.idleTimeout?.value;
    return [
      { seconds, look: [command`aws elb describe-load-balancer-attributes --load-balancer-name ${flow.balancer}`] },
    ];
  }
  const service = flow.kind === 'service' ? serviceOf(estate, flow) : undefined;
  if (service === undefined || isNetwork(service)) return [];
  const said = annotationOf(service, 'connection-idle-timeout')?.value ?? '';
  return [{ seconds: /^[1-9]\d{0,3}$/.test(said) ? Number(said) : CLASSIC_IDLE, look: [] }];
}
