/** Policies on an instance port that no listener leads to. */
import { setPolicies } from '../classic-commands.js';
import { attachments, portPolicies } from '../classic-policies.js';
import type { AttachedPolicies, ClassicBalancer } from '../estate.js';
import type { Finding, Rule } from '../finding.js';
import { listed, portWords } from '../words.js';

export const clbPolicyWithoutListener: Rule = {
  id: 'clb-policy-without-listener',
  severity: 'warning',
  title: 'Policies are attached to an instance port that no listener of the Classic Load Balancer leads to',
  story: `Policies such as the one for the PROXY header are attached to an instance port and not to a
listener. When a listener is deleted, what was attached to its instance port stays, and
describe-load-balancers goes on showing it in BackendServerDescriptions.

So an entry without a listener is one of two things. It may be what an old listener left. Then it
does nothing today, but whoever makes a listener for that port some day finds the PROXY header on
from the first connection, and an application that doesn't expect it answers 400.

Or somebody attached the policy to a wrong port: to the port of the listener (443) in place of the
instance port (8080), which is the easiest mistake to make with this command. Then the header is
missing where it was meant to be, and usher refuses connections with header-missing.

Compare the port with the instance ports of the listeners. Attach the policy there if that was
meant, and take it from the port that nothing uses. An empty list of names takes all away.`,
  *check({ estate }) {
    for (const balancer of estate.classics) {
      const used = new Set(balancer.listeners.map(({ instancePort }) => instancePort));
      for (const attached of attachments(balancer)) {
        if (!used.has(attached.instancePort)) yield finding(balancer, attached, [...used]);
      }
    }
  },
};

function finding(balancer: ClassicBalancer, attached: AttachedPolicies, used: readonly number[]): Finding {
  const { instancePort, names, at } = attached;
  const dialled = balancer.listeners.find(({ port }) => port === instancePort);
  const hint =
    dialled === undefined
      ? `the listeners lead to ${used.length === 0 ? 'no port' : portWords(used)}`
      : `${instancePort} is what clients dial, and behind it stands instance port ${dialled.instancePort}`;
  const sends = portPolicies(balancer, instancePort).header === 'on' ? 'the PROXY header' : 'these policies';
  return {
    rule: 'clb-policy-without-listener',
    severity: 'warning',
    message: `${listed(names)} of ${balancer.name} ${names.length === 1 ? 'stands' : 'stand'} on instance port ${instancePort}, which no listener leads to: ${hint}`,
    consequence: `nothing comes of it now, and a listener that is made for this port some day has ${sends} from its first connection on`,
    places: [at, ...(dialled === undefined ? [] : [dialled.at])],
    cure: 'take the policies from this port, after attaching them to the instance port that was meant, if this one is a slip',
    commands: [setPolicies(balancer.name, instancePort, [])],
  };
}
