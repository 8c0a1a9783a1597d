/** The idle timeout of a Classic Load Balancer beside usher's keep-alive time and the pings of WebSockets. */
import type { ListenerSettings } from '../../settings.js';
import type { ClassicBalancer, Given } from '../estate.js';
import type { Finding, Rule } from '../finding.js';
import { command } from '../shell.js';
import type { Sidecar } from '../sidecar.js';
import { secondsWords } from '../words.js';
import { listenersBehind } from './clb-sidecar.js';

/** Seconds. What AWS sets when nobody says anything. */
const DEFAULT = 60;
/** Seconds. Engine.IO's default; `ws` sends none by itself. */
const PING_INTERVAL = 25;

export const clbIdleTimeout: Rule = {
  id: 'clb-idle-timeout',
  severity: 'warning',
  title: "The idle timeout of a Classic Load Balancer doesn't fit usher's keepAlive or the pings of WebSockets",
  story: `A Classic Load Balancer closes a connection that has carried no byte for its idle timeout, 60 s
unless it was changed. Only payload counts. TCP keep-alives don't, however often they are sent.

Two times have to be on the right side of it.

usher's timeouts.keepAlive must be longer. It says how long usher keeps a connection that waits
for its next request. When usher is the first to close, a request may be on its way already.
Behind an HTTP listener the balancer then answers 502 or 504 in usher's name; behind TCP or SSL
the client sees its connection break and may not dare to send a POST again. When the balancer
closes first, whoever sends next knows it.

The pings of WebSockets must be more frequent. Socket.IO pings every 25 s; ws sends no ping by
itself. With an idle timeout of 25 s or less, quiet conversations are cut again and again, clients
connect anew, and it looks like a bad network: disconnects in steady intervals, with the reason
transport close.

    ping interval (25 s)  <  idle timeout (60 s)  <  usher's keepAlive (75 s)

Longer idle timeouts (up to 3600 s) are fine for chats as long as keepAlive grows with them.`,
  *check({ estate, sidecar }) {
    if (sidecar === undefined) return;
    for (const balancer of estate.classics) {
      const idle = idleOf(balancer);
      if (idle === undefined) continue;
      const listeners = listenersBehind(sidecar, balancer).filter(({ protocol }) => protocol === 'http');
      for (const listener of listeners) {
        if (listener.timeouts.keepAliveMs <= idle.value * 1000) yield keepAliveShort(sidecar, balancer, idle, listener);
      }
      if (listeners.length > 0 && idle.value <= PING_INTERVAL) yield belowPings(sidecar, balancer, idle, listeners);
    }
  },
};

/** The default counts only where the attributes were given. */
function idleOf({ idleTimeout, connectionDraining }: ClassicBalancer): Given<number> | undefined {
  if (idleTimeout !== undefined || connectionDraining === undefined) return idleTimeout;
  return { value: DEFAULT, at: connectionDraining.at };
}

function keepAliveShort(
  sidecar: Sidecar,
  balancer: ClassicBalancer,
  { value, at }: Given<number>,
  { name, timeouts }: ListenerSettings,
): Finding {
  return {
    rule: 'clb-idle-timeout',
    severity: 'warning',
    message: `usher's listener ${name} ends an idle connection after ${secondsWords(timeouts.keepAliveMs)}, and ${balancer.name} only after ${value} s`,
    consequence: 'a request that is on its way when usher closes the connection is lost',
    places: [sidecar.place('listeners', name, 'timeouts', 'keepAlive'), at],
    cure: `set timeouts.keepAlive of ${name} to ${value + 15}s; a lower idle timeout of the balancer would do too, as long as it stays above the ${PING_INTERVAL} s between two pings of Socket.IO`,
    commands: [],
  };
}

function belowPings(
  sidecar: Sidecar,
  balancer: ClassicBalancer,
  { value, at }: Given<number>,
  listeners: readonly ListenerSettings[],
): Finding {
  const shortest = Math.min(...listeners.map(({ timeouts }) => timeouts.keepAliveMs));
  const more =
    shortest > DEFAULT * 1000 ? '' : `, and usher's timeouts.keepAlive to ${DEFAULT + 15}s, so that it stays above`;
  return {
    rule: 'clb-idle-timeout',
    severity: 'warning',
    message: `${balancer.name} ends a connection after ${value} s without a byte, and Socket.IO pings every ${PING_INTERVAL} s; TCP keep-alives do not count`,
    consequence: 'quiet WebSockets are cut between two pings, and their clients connect again and again',
    places: [at, ...listeners.map(({ name }) => sidecar.place('listeners', name))],
    cure: `raise the idle timeout to ${DEFAULT} s${more}; or lower pingInterval in the application`,
    commands: [
      command`aws elb modify-load-balancer-attributes --load-balancer-name ${balancer.name} --load-balancer-attributes ${`{"ConnectionSettings":{"IdleTimeout":${DEFAULT}}}`}`,
    ],
  };
}
