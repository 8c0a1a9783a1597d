/** A policy for the PROXY header that says false. */
import { turnHeaderOn } from '../classic-commands.js';
import { attachments, described, isProxyProtocol, portPolicies, sendsHeader } from '../classic-policies.js';
import type { AttachedPolicies, ClassicBalancer, Policy } from '../estate.js';
import type { Finding, Rule } from '../finding.js';

export const clbPolicyDisabled: Rule = {
  id: 'clb-policy-disabled',
  severity: 'warning',
  title: 'The attribute ProxyProtocol of a policy of the Classic Load Balancer is not true',
  story: `A policy of the type ProxyProtocolPolicyType has one attribute, ProxyProtocol. Only with the value
true does the balancer send a PROXY header to the instance ports that the policy is attached to.

A policy with false, attached to a port, looks like a header that is on: its name stands where it
has to stand, and often says proxy-protocol. No header is sent.

usher with proxyProtocol: required refuses each connection of such a port with header-missing.

AWS changes no policy. Make another one with true, and attach it in place of the old one. The
command that attaches replaces the whole set of the port, so it names all other policies of the
port as well.`,
  *check({ estate }) {
    for (const balancer of estate.classics) {
      for (const attached of attachments(balancer)) yield* findings(balancer, attached);
    }
  },
};

function* findings(balancer: ClassicBalancer, attached: AttachedPolicies): Iterable<Finding> {
  const { instancePort, names } = attached;
  if (portPolicies(balancer, instancePort).header === 'on') return;
  if (!balancer.listeners.some(listener => listener.instancePort === instancePort)) return;
  const dead = described(balancer, names).find(policy => isProxyProtocol(policy) && !sendsHeader(policy));
  // Left out is not the same as false: somebody may have cut the file down.
  if (dead?.attributes['ProxyProtocol'] !== undefined) yield finding(balancer, attached, dead);
}

function finding(balancer: ClassicBalancer, { instancePort, at }: AttachedPolicies, policy: Policy): Finding {
  return {
    rule: 'clb-policy-disabled',
    severity: 'warning',
    message: `the policy ${policy.name} on instance port ${instancePort} of ${balancer.name} has ProxyProtocol ${policy.attributes['ProxyProtocol']}, not true`,
    consequence: 'no PROXY header is sent there, and usher refuses every connection where it requires one',
    places: [policy.at, at],
    cure: 'attach a policy with ProxyProtocol true in its place; a policy that exists cannot be changed',
    commands: turnHeaderOn(balancer, [instancePort]),
  };
}
