/** Policies of which the files tell the name only. */
import { portPolicies } from '../classic-policies.js';
import type { ClassicBalancer } from '../estate.js';
import type { Finding, Rule } from '../finding.js';
import type { DocumentPlace } from '../place.js';
import { command } from '../shell.js';
import { listed, portWords } from '../words.js';
import { readsHttp } from './clb-commands.js';

export const clbPoliciesUnknown: Rule = {
  id: 'clb-policies-unknown',
  severity: 'warning',
  title: 'The files do not say what the policies on an instance port of a Classic Load Balancer are',
  story: `describe-load-balancers tells the names of the policies on each instance port, and nothing else of
them. Names are free text: a policy called proxy-protocol may be of any type, and one called p1
may turn the PROXY header on. The type and the attribute stand in the output of another command,
describe-load-balancer-policies.

Without it the check can't say whether the balancer sends a PROXY header to these ports, and
leaves out every rule that would have to know. That is what this warning means: less was checked
than could be.

Run the command below and give its output beside the other files. The output doesn't say which
balancer it is of. Where there is more than one, tell it: --load-balancer NAME=FILE.`,
  *check({ estate }) {
    for (const balancer of estate.classics) {
      const unknown = unknownPorts(balancer);
      const [first] = unknown;
      if (first !== undefined) yield finding(balancer, unknown, first.at);
    }
  },
};

interface UnknownPort {
  readonly port: number;
  readonly unresolved: readonly string[];
  readonly at: DocumentPlace;
}

/** Only ports of listeners that could send a header. */
function unknownPorts(balancer: ClassicBalancer): readonly UnknownPort[] {
  const ports = balancer.listeners.filter(listener => !readsHttp(listener)).map(({ instancePort }) => instancePort);
  return [...new Set(ports)]
    .map(port => ({ port, ...portPolicies(balancer, port) }))
    .filter(({ header }) => header === 'unknown');
}

function finding(balancer: ClassicBalancer, unknown: readonly UnknownPort[], at: DocumentPlace): Finding {
  const names = [...new Set(unknown.flatMap(({ unresolved }) => unresolved))];
  const why =
    balancer.policies === undefined
      ? 'describe-load-balancer-policies was not given'
      : 'the output that was given has no such policy';
  return {
    rule: 'clb-policies-unknown',
    severity: 'warning',
    message: `what ${listed(names)} ${names.length === 1 ? 'does' : 'do'} on instance ${portWords(unknown.map(({ port }) => port))} of ${balancer.name} is not known: ${why}`,
    consequence: 'whether a PROXY header is sent there was not checked',
    places: [at, ...unknown.slice(1).map(port => port.at)],
    cure: `run the command and give its output beside the other files, as FILE or, with several balancers, as FILE --load-balancer NAME=FILE`,
    commands: [command`aws elb describe-load-balancer-policies --load-balancer-name ${balancer.name}`],
  };
}
