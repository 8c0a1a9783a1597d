/** How long a Network Load Balancer keeps connections, beside how long usher does. */
import type { DrainSettings } from '../../settings.js';
import { DEREGISTRATION_DELAY, isOn, secondsOf } from '../attributes.js';
import type { NetworkListener } from '../estate.js';
import type { Finding, Rule, Scene } from '../finding.js';
import { attributePlace, setAttribute } from '../flows-network.js';
import { setListenerAttribute } from './nlb-commands.js';
import { listenersOf, type Served, tcpGroups } from './nlb-groups.js';

/** After so long without a byte usher sends a TCP keep-alive, seconds; `src/transport.ts`. */
const KEEP_ALIVE = 60;
/** What AWS recommends at least, and how long new connections come behind a deregistration, seconds. */
const DEREGISTRATION_MARGIN = 120;
const DEREGISTRATION_DEFAULT = 300;
const IDLE_TIMEOUT_DEFAULT = 350;

const IDLE_TIMEOUT = 'tcp.idle_timeout.seconds';
const CONNECTION_TERMINATION = 'deregistration_delay.connection_termination.enabled';

export const nlbIdleTimeout: Rule = {
  id: 'nlb-idle-timeout',
  severity: 'warning',
  title: 'The balancer forgets idle connections before usher sends a keep-alive',
  story: `A Network Load Balancer forgets a connection on which nothing came for tcp.idle_timeout.seconds, 350
by default and 60 at least. It tells nobody: whoever sends next gets a reset.

TCP keep-alives count as traffic there, and usher sends them on every connection after 60 seconds of
silence. With a timeout of 60 seconds they come too late or just in time, and WebSockets without
pings of their own are lost about a minute after their last message.

In production one sees connections that end with a reset at the next message, and clients that come
back all the time, while usher's tunnel timeout is far away.

    aws elbv2 modify-listener-attributes --listener-arn ARN \\
      --attributes Key=tcp.idle_timeout.seconds,Value=350`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    const seen = new Set<NetworkListener>();
    for (const { group, listeners } of tcpGroups(scene)) {
      const usher = listenersOf(scene, group).find(({ timeouts }) => outlives(timeouts.tunnelMs));
      for (const listener of usher === undefined ? [] : listeners) {
        const given = listener.attributes?.get(IDLE_TIMEOUT);
        if (given === undefined || listener.protocol !== 'TCP' || seen.has(listener)) continue;
        if (!(Number(given.value) <= KEEP_ALIVE) || usher === undefined) continue;
        seen.add(listener);
        yield {
          rule: 'nlb-idle-timeout',
          severity: 'warning',
          message: `port ${listener.port} has ${IDLE_TIMEOUT} ${given.value}, but usher sends its first TCP keep-alive after ${KEEP_ALIVE} s`,
          consequence: 'WebSockets that say nothing for a minute are forgotten, and reset at their next message',
          places: [given.at, sidecar.place('listeners', usher.name, 'timeouts', 'tunnel')],
          cure: `set ${IDLE_TIMEOUT} to ${IDLE_TIMEOUT_DEFAULT}, the default, or to anything well above ${KEEP_ALIVE}`,
          commands: [setListenerAttribute(listener.arn, IDLE_TIMEOUT, `${IDLE_TIMEOUT_DEFAULT}`)],
        };
      }
    }
  },
};

/** Whether a tunnel may be silent for longer than until the first keep-alive. */
function outlives(tunnelMs: number): boolean {
  return tunnelMs === 0 || tunnelMs > KEEP_ALIVE * 1000;
}

export const nlbDeregistrationDelay: Rule = {
  id: 'nlb-deregistration-delay',
  severity: 'warning',
  title: 'The deregistration delay is shorter than usher takes to drain',
  story: `When a target is deregistered, a Network Load Balancer sends it no new connections, though some
arrive for two to three minutes all the same, and lets those that are there go on for
deregistration_delay.timeout_seconds (300 by default). After that the target is forgotten: ECS and
others take the end of the delay as the sign that they may stop the task.

usher needs drain.deregisterDelay and then drain.closeOver to ask every WebSocket to leave. AWS
recommends at least 120 seconds; with usher's own window on top no conversation is cut before it was
asked to end.

    aws elbv2 modify-target-group-attributes --target-group-arn ARN \\
      --attributes Key=deregistration_delay.timeout_seconds,Value=300`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    const { drain } = sidecar.settings;
    const needed = Math.ceil(windowOf(drain) / 1000) + DEREGISTRATION_MARGIN;
    for (const { group } of tcpGroups(scene)) {
      const delay = secondsOf(group, DEREGISTRATION_DELAY, DEREGISTRATION_DEFAULT);
      if (delay === undefined || delay >= needed || listenersOf(scene, group).length === 0) continue;
      const better = Math.max(DEREGISTRATION_DEFAULT, Math.ceil(drain.timeoutMs / 1000) + DEREGISTRATION_MARGIN);
      yield {
        rule: 'nlb-deregistration-delay',
        severity: 'warning',
        message: `target group ${group.name} has ${DEREGISTRATION_DELAY} ${delay}, but usher takes ${windowOf(drain) / 1000} s to end its WebSockets`,
        consequence: `below ${needed} s (usher's time and ${DEREGISTRATION_MARGIN} s) conversations may be cut that were not asked to end`,
        places: [attributePlace(group, DEREGISTRATION_DELAY), sidecar.place('drain', 'closeOver')],
        cure: `set ${DEREGISTRATION_DELAY} to ${needed} or more`,
        commands: [setAttribute(group.arn, DEREGISTRATION_DELAY, `${Math.min(better, 3600)}`)],
      };
    }
  },
};

/** How long usher accepts connections and then closes WebSockets, milliseconds. */
function windowOf({ deregisterDelayMs, closeOverMs }: DrainSettings): number {
  return deregisterDelayMs + closeOverMs;
}

export const nlbConnectionTermination: Rule = {
  id: 'nlb-connection-termination',
  severity: 'warning',
  title: 'The balancer cuts connections when the deregistration delay is over',
  story: `With deregistration_delay.connection_termination.enabled=true a Network Load Balancer resets every
connection of a deregistered target at the end of the delay. The default for TCP is false: what is
open stays open until one side ends it.

WebSockets are open for hours. With the attribute on, all that are left at the end of the delay end
in the same moment with a reset and without a Close frame, and all clients come back at once.

usher ends WebSockets itself when it is told to stop: over drain.closeOver, one after the other,
each with a Close frame. Leave that to it.

    aws elbv2 modify-target-group-attributes --target-group-arn ARN \\
      --attributes Key=deregistration_delay.connection_termination.enabled,Value=false`,
  *check(scene) {
    for (const served of tcpGroups(scene)) {
      if (isOn(served.group, CONNECTION_TERMINATION, false) === true) yield terminationFinding(scene, served);
    }
  },
};

function terminationFinding({ sidecar }: Scene, { group }: Served): Finding {
  return {
    rule: 'nlb-connection-termination',
    severity: 'warning',
    message: `target group ${group.name} has ${CONNECTION_TERMINATION} on`,
    consequence:
      'WebSockets that are open when the deregistration delay ends are all reset at once, without a Close frame',
    places: [
      attributePlace(group, CONNECTION_TERMINATION),
      ...(sidecar === undefined ? [] : [sidecar.place('drain', 'closeOver')]),
    ],
    cure: "turn it off; usher ends WebSockets by itself over drain.closeOver, before the task's end",
    commands: [setAttribute(group.arn, CONNECTION_TERMINATION, 'false')],
  };
}
