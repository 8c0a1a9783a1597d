/** TLS and plain bytes to one instance port. */
import type { ClassicListener } from '../estate.js';
import type { Finding, Rule } from '../finding.js';
import { listed } from '../words.js';
import { describeClassic } from './clb-commands.js';
import { encrypts, type InstancePort, instancePorts, isHalfSecure } from './clb-instance-ports.js';

export const clbSecureMix: Rule = {
  id: 'clb-secure-mix',
  severity: 'error',
  title: 'Listeners of a Classic Load Balancer speak TLS and plain text to one instance port',
  story: `For each listener a Classic Load Balancer has two protocols: Protocol, which clients speak, and
InstanceProtocol, which it speaks to the instance port itself. SSL and HTTPS there mean that the
balancer opens TLS to usher.

AWS has a rule for listeners with the same instance port: when one of them is secure (SSL or
HTTPS), all must be, and when one is plain (TCP or HTTP), all must be. A file in which both meet
can't come from a balancer that exists. It was written by hand, put together from two outputs, or
is older than a change.

What else the check says of this balancer is therefore worth little, and that is why this is an
error. Ask AWS again, with the command below, and check the fresh output.

usher itself expects plain text: end TLS at the balancer (Protocol SSL) and take TCP as the
InstanceProtocol. What must stay encrypted as far as the instance is a case for protocol: tcp, where
usher relays what it does not read.`,
  *check(scene) {
    for (const port of instancePorts(scene)) if (isHalfSecure(port)) yield finding(port);
  },
};

function finding({ balancer, port, listeners }: InstancePort): Finding {
  const secure = listeners.filter(encrypts);
  const plain = listeners.filter(listener => !encrypts(listener));
  const [first = balancer, ...rest] = [...secure, ...plain];
  return {
    rule: 'clb-secure-mix',
    severity: 'error',
    message: `${balancer.name} speaks ${words(secure)} to instance port ${port}, and ${words(plain)}: AWS refuses TLS and plain text on one instance port`,
    consequence:
      'this output does not show a balancer that exists: it was written by hand or is out of date, and so is what the check says of it',
    places: [first.at, ...rest.map(({ at }) => at)],
    cure: 'ask AWS again and check the fresh output; usher expects plain text, InstanceProtocol TCP',
    commands: [describeClassic(balancer)],
  };
}

function words(listeners: readonly ClassicListener[]): string {
  return listed(listeners.map(({ instanceProtocol, port }) => `${instanceProtocol} for ${port}`));
}
