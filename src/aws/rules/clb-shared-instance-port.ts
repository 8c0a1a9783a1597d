/** Two listeners of the same kind on one instance port. */
import { setPolicies, turnHeaderOn } from '../classic-commands.js';
import { portPolicies } from '../classic-policies.js';
import type { Finding, Rule } from '../finding.js';
import { listed, portWords } from '../words.js';
import { readsHttp, relayed, replaceListener, replaceNote } from './clb-commands.js';
import {
  freePorts,
  type InstancePort,
  instancePorts,
  isHalfSecure,
  isMixed,
  keeper,
  listenerWords,
} from './clb-instance-ports.js';

export const clbSharedInstancePort: Rule = {
  id: 'clb-shared-instance-port',
  severity: 'error',
  title: 'Two listeners of a Classic Load Balancer share an instance port',
  story: `Listeners of a Classic Load Balancer that lead to one instance port come to usher as one: the same
port, the same policies, the same health.

    SSL 443 ──┐
              ├──► instance port 8080 ──► usher
    TCP  80 ──┘

On the side of AWS, policies are attached to the instance port. The PROXY header is on for both
listeners or for none, and a change that was meant for one is a change of the other. On the side of
usher, one listener has one proxyProtocol, one forwardedProto and one set of trusted sources. When
forwardedProto is https, the application takes the clients that came to port 80 without TLS for
secure; when it is http, it sends those of 443 into redirect loops. auto can tell them apart by the
destination port in the PROXY v1 line, but only as long as the TLS port is 443 and the header is on.

usher wants each way to have a port of its own, just as it refuses a configuration in which two
listeners claim one backend port: what can't be told apart can't be changed, limited, counted or
drained apart.

One sees it as wrong schemes in redirects, as cookies without Secure, and in metrics, where the
label listener shows one name for both.

The cure is an instance port for each listener. AWS can't change a listener: it is deleted and
made anew, and its port is closed for that moment. Add the second listener to usher first (both
may name the same backend), let the security group of the instances admit the balancer on the new
port, then run the commands. The policies of the old port are attached to the new one, too. A
listener that reads HTTP becomes TCP (HTTPS: SSL) on the way, with the policy for the PROXY header.`,
  *check(scene) {
    for (const port of instancePorts(scene)) {
      if (port.listeners.length < 2 || isMixed(port) || isHalfSecure(port)) continue;
      yield finding(port, freePorts(scene, port, port.listeners.length - 1));
    }
  },
};

function finding(shared: InstancePort, free: readonly number[]): Finding {
  const { balancer, port, listeners } = shared;
  const kept = keeper(shared);
  const moved = listeners.filter(listener => listener !== kept);
  const { header, names, at } = portPolicies(balancer, port);
  // One that reads HTTP has to be made anew anyway, see clb-http-listener: then once, and in the way that it shall stay.
  const http = moved.some(readsHttp);
  const moves = moved.flatMap((listener, index) => {
    const instancePort = free[index];
    if (instancePort === undefined) return [];
    return replaceListener(balancer, listener, { instancePort, protocols: http ? 'relay' : 'same' });
  });
  const attach =
    http && header === 'off'
      ? turnHeaderOn(balancer, free)
      : names.length === 0
        ? []
        : free.map(instancePort => setPolicies(balancer.name, instancePort, names));
  const as = http ? ` as ${listed([...new Set(moved.map(relayed))])} with the policy for the PROXY header on it` : '';
  const places = [...moved, ...(kept === undefined ? [] : [kept])].map(listener => listener.at);
  return {
    rule: 'clb-shared-instance-port',
    severity: 'error',
    message: `the listeners ${listed(listeners.map(listenerWords))} of ${balancer.name} share instance port ${port}: one set of policies, one health check and one listener of usher's for all of them`,
    consequence:
      "at best the destination port in the PROXY header tells their clients apart: one forwardedProto says the same scheme of all, and the header can't be turned on or off for one alone",
    places: [moved[0]?.at ?? at, ...places.slice(1)],
    cure: `give ${listed(moved.map(listenerWords))} an instance port of its own (${portWords(free)})${as}, add a listener of usher's for it, and let the security group admit the balancer there${replaceNote(moved)}`,
    commands: [...moves, ...attach],
  };
}
