/** Rules about times that must fit together, within the file and with what stands around usher. */
import type { Config } from './schema.js';
import type { Surroundings } from './surroundings.js';
import { formatDuration as words } from './units.js';
import type { Finding, Rule, View } from './view.js';

/** What usher needs behind the drain: answers of the admin listener, the log. */
const END_MS = 2_000;
/** Engine.IO's default; `ws` sends none by itself. */
const PING_INTERVAL_MS = 25_000;

type Times = Pick<Config['drain'], 'timeout' | 'deregisterDelay' | 'closeOver' | 'style'>;

/** When the last WebSocket has been asked to leave, from SIGTERM on. */
export function lastAskedAfter({ deregisterDelay, closeOver, style }: Omit<Times, 'timeout'>): number {
  return deregisterDelay + (style === 'none' ? 0 : closeOver);
}

/** The longest `drain.timeout` that fits; undefined: none does. */
export function longestDrain(stopTimeoutMs: number): number | undefined {
  return stopTimeoutMs > END_MS ? stopTimeoutMs - END_MS : undefined;
}

/** `drain-timeout-short` (warning): the drain ends before its own steps do. */
export function* drainTimeoutShort(view: View): Iterable<Finding> {
  const { drain } = view.config;
  if (!view.isSound('drain')) return;
  const needed = lastAskedAfter(drain);
  if (needed < drain.timeout) return;
  const steps = `deregisterDelay ${words(drain.deregisterDelay)}${drain.style === 'none' ? '' : ` and closeOver ${words(drain.closeOver)}`}`;
  const message = `${words(drain.timeout)} are over before ${steps} are, so connections are cut that were not asked to leave, or could not answer: set timeout above ${words(needed)}, or the others lower`;
  yield { rule: 'drain-timeout-short', severity: 'warning', path: ['drain', 'timeout'], message };
}

/** `tunnel-timeout-short` (warning): idle WebSockets would be ended between two pings. */
export function* tunnelTimeoutShort(view: View): Iterable<Finding> {
  for (const [name, { protocol, timeouts }] of Object.entries(view.config.listeners)) {
    const { tunnel } = timeouts;
    if (protocol !== 'http' || tunnel === 0 || tunnel > PING_INTERVAL_MS) continue;
    const message = `${words(tunnel)} end a WebSocket between two pings, which Socket.IO sends every ${words(PING_INTERVAL_MS)} and ws not at all by itself: set it above that, or ping more often`;
    yield {
      rule: 'tunnel-timeout-short',
      severity: 'warning',
      path: ['listeners', name, 'timeouts', 'tunnel'],
      message,
    };
  }
}

/** The rules that need to know what stands around usher. */
export function surroundingRules({ stopTimeoutMs, idleTimeoutMs }: Surroundings): readonly Rule[] {
  return [
    ...(stopTimeoutMs === undefined ? [] : [drainExceedsStop(stopTimeoutMs)]),
    ...(idleTimeoutMs === undefined ? [] : [keepAliveBelowIdle(idleTimeoutMs), idleBelowPings(idleTimeoutMs)]),
  ];
}

/** `drain-exceeds-stop-timeout` (warning): SIGKILL comes before the drain is over. */
function drainExceedsStop(stopTimeoutMs: number): Rule {
  return function* (view) {
    const { timeout } = view.config.drain;
    const longest = longestDrain(stopTimeoutMs);
    if (!view.isSound('drain', 'timeout') || (longest !== undefined && timeout <= longest)) return;
    const lower = longest === undefined ? '' : `, or set timeout to ${words(longest)} or less`;
    const message = `${words(timeout)} and ${words(END_MS)} to end are more than the ${words(stopTimeoutMs)} until SIGKILL, which cuts what is still open and loses the end of the log: raise stopTimeout (ECS, up to 120s), terminationGracePeriodSeconds or TimeoutStopSec to ${words(timeout + END_MS)} or more${lower}`;
    yield { rule: 'drain-exceeds-stop-timeout', severity: 'warning', path: ['drain', 'timeout'], message };
  };
}

/** `keep-alive-below-idle-timeout` (warning): usher ends an idle connection that the balancer still gives requests to. */
function keepAliveBelowIdle(idleTimeoutMs: number): Rule {
  return function* (view) {
    for (const [name, { protocol, timeouts }] of Object.entries(view.config.listeners)) {
      if (protocol !== 'http' || timeouts.keepAlive > idleTimeoutMs) continue;
      const path = ['listeners', name, 'timeouts', 'keepAlive'];
      const message = `usher ends an idle connection after ${words(timeouts.keepAlive)} and the balancer after ${words(idleTimeoutMs)}, so a request that is on its way when usher does is lost: set it above ${words(idleTimeoutMs)}`;
      yield { rule: 'keep-alive-below-idle-timeout', severity: 'warning', path, message };
    }
  };
}

/** `idle-timeout-below-pings` (warning): the balancer ends an idle WebSocket between two pings. */
function idleBelowPings(idleTimeoutMs: number): Rule {
  return function* (view) {
    if (idleTimeoutMs > PING_INTERVAL_MS) return;
    for (const [name, { protocol }] of Object.entries(view.config.listeners)) {
      if (protocol !== 'http') continue;
      const message = `the balancer ends a WebSocket without a byte after ${words(idleTimeoutMs)}, and Socket.IO pings every ${words(PING_INTERVAL_MS)}: raise the idle timeout of the balancer, or lower pingInterval in the application`;
      yield { rule: 'idle-timeout-below-pings', severity: 'warning', path: ['listeners', name], message };
    }
  };
}
