/** How long a Classic Load Balancer leaves the connections of an instance that goes, beside usher's drain. */
import type { DrainSettings } from '../../settings.js';
import type { ClassicBalancer, Given } from '../estate.js';
import type { Finding, Rule } from '../finding.js';
import { command } from '../shell.js';
import type { Sidecar } from '../sidecar.js';
import { secondsWords } from '../words.js';
import { listenersBehind } from './clb-sidecar.js';

/** Seconds, of AWS. */
const MOST = 3600;

export const clbConnectionDraining: Rule = {
  id: 'clb-connection-draining',
  severity: 'warning',
  title: "The connection draining of a Classic Load Balancer is off or shorter than usher's drain",
  story: `When an instance leaves a Classic Load Balancer (a deploy, a smaller group, a check that failed),
connection draining says what happens to the connections that it has. Off: they are closed at
once. On: new ones go elsewhere, and those that are there may go on until the timeout is over.
Then they are closed by force.

usher has a drain of its own. From SIGTERM on it accepts what still comes for
drain.deregisterDelay, then ends WebSockets over drain.closeOver, one after the other, each with a
Close frame behind a whole message, so that clients come back a few at a time and lose nothing.
What is open at drain.timeout is destroyed.

If the balancer's time is shorter, it cuts what usher was about to end politely: in the middle of
messages and uploads, without a Close frame, and all at the same moment, so that all clients of
the instance connect again within one second.

    usher:    |-- deregisterDelay --|-- closeOver --|............| drain.timeout
    balancer: |---------------------- connection draining -------------------|

Turn it on with at least drain.timeout. AWS's default for the timeout is 300 s; more than needed
does no harm, because the balancer forgets the instance as soon as its last connection has ended.`,
  *check({ estate, sidecar }) {
    if (sidecar === undefined) return;
    for (const balancer of estate.classics) {
      const { connectionDraining: draining } = balancer;
      if (draining === undefined || listenersBehind(sidecar, balancer).length === 0) continue;
      if (draining.value * 1000 < lastAskedMs(sidecar.settings.drain)) yield finding(sidecar, balancer, draining);
    }
  },
};

/** When the last WebSocket has been asked to leave; without that, what is there stays until the end. */
function lastAskedMs({ style, timeoutMs, deregisterDelayMs, closeOverMs }: DrainSettings): number {
  return style === 'none' ? timeoutMs : Math.min(timeoutMs, deregisterDelayMs + closeOverMs);
}

function finding(sidecar: Sidecar, balancer: ClassicBalancer, { value, at }: Given<number>): Finding {
  const { drain } = sidecar.settings;
  const is = value === 0 ? 'is off' : `lasts ${value} s`;
  const timeout = Math.min(MOST, Math.ceil(drain.timeoutMs / 1000));
  const attributes = `{"ConnectionDraining":{"Enabled":true,"Timeout":${timeout}}}`;
  return {
    rule: 'clb-connection-draining',
    severity: 'warning',
    message: `connection draining of ${balancer.name} ${is}, and usher's drain asks the last conversation to leave after ${secondsWords(lastAskedMs(drain))}`,
    consequence: 'the balancer cuts conversations that usher would have ended politely, all of them at once',
    places: [at, sidecar.place('drain')],
    cure: `turn connection draining on for at least ${timeout} s, usher's drain.timeout`,
    commands: [
      command`aws elb modify-load-balancer-attributes --load-balancer-name ${balancer.name} --load-balancer-attributes ${attributes}`,
    ],
  };
}
