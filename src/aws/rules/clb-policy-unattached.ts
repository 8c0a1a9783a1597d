/** A policy for the PROXY header that was made and never attached. */
import { setPolicies } from '../classic-commands.js';
import { isSample, portPolicies, sendsHeader } from '../classic-policies.js';
import type { ClassicBalancer, Policy } from '../estate.js';
import type { Finding, Rule } from '../finding.js';
import { portWords } from '../words.js';
import { readsHttp } from './clb-commands.js';

export const clbPolicyUnattached: Rule = {
  id: 'clb-policy-unattached',
  severity: 'warning',
  title: 'A Classic Load Balancer has a policy for the PROXY header that is attached to no instance port',
  story: `The PROXY header of a Classic Load Balancer takes two steps. create-load-balancer-policy makes a
policy of the type ProxyProtocolPolicyType. set-load-balancer-policies-for-backend-server attaches
it to an instance port. Only the second one turns the header on.

A policy that is attached to nothing shows among the other policies of the balancer and looks as
if the work were done. It is also what remains when somebody else attaches another policy later:
that command replaces the whole set of the port, so each policy that it does not name is gone from
there.

Without the header usher's listener with proxyProtocol: required refuses every connection with
header-missing.

Attach it to the instance port of each TCP or SSL listener, together with what stands there
already. When no header is wanted, delete the policy (aws elb delete-load-balancer-policy), so
that nobody takes it for one that works.`,
  *check({ estate }) {
    for (const balancer of estate.classics) {
      const bare = portsWithoutHeader(balancer);
      const spare = balancer.policies?.find(policy => isSpare(balancer, policy));
      if (spare !== undefined && bare.length > 0) yield finding(balancer, spare, bare);
    }
  },
};

function isSpare({ attached }: ClassicBalancer, policy: Policy): boolean {
  const { name } = policy;
  return sendsHeader(policy) && !isSample(policy) && !attached.some(({ names }) => names.includes(name));
}

/** Instance ports that could have the header and surely don't. */
function portsWithoutHeader(balancer: ClassicBalancer): readonly number[] {
  const ports = balancer.listeners.filter(listener => !readsHttp(listener)).map(({ instancePort }) => instancePort);
  return [...new Set(ports)].filter(port => portPolicies(balancer, port).header === 'off');
}

function finding(balancer: ClassicBalancer, { name, at }: Policy, ports: readonly number[]): Finding {
  return {
    rule: 'clb-policy-unattached',
    severity: 'warning',
    message: `the policy ${name} of ${balancer.name} is attached to no instance port, and nothing else sends the PROXY header to ${portWords(ports)}`,
    consequence: 'no PROXY header is sent there, and usher refuses every connection where it requires one',
    places: [at, balancer.at],
    cure: `attach it to ${portWords(ports)}; the command replaces what is attached, so it names the other policies too`,
    commands: ports.map(port => setPolicies(balancer.name, port, [...portPolicies(balancer, port).names, name])),
  };
}
