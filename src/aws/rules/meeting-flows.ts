/** Flows of different origin that meet at one port, and whether they meet on the same machines. */
import type { Estate, Target } from '../estate.js';
import type { Scene } from '../finding.js';
import { type Flow, isSent } from '../flow.js';
import { indexed, keptFor } from '../indexed.js';
import { classicOf, groupOf } from '../look-up.js';
import { type FlowGroup, flowGroups, sameInstancePort } from './flow-groups.js';

/** Whether two groups come to one port and may come to one usher there. */
function meet(estate: Estate, { first: a }: FlowGroup, { first: b }: FlowGroup): boolean {
  // Of one Classic Load Balancer: clb-mixed-instance-port. Of one target group: it has one attribute.
  return a.port === b.port && !sameInstancePort(a, b) && !apart(estate, a, b);
}

/** Balancers that send the header to the port of a group, and may mean the same usher. */
export function sendersMet({ estate, flows }: Scene, group: FlowGroup): readonly FlowGroup[] {
  return sendersByPort(flowGroups(flows), group.first.port).filter(sender => meet(estate, sender, group));
}

/** Only those that send, by their port. */
const sendersByPort = indexed(({ first }: FlowGroup) => (isSent(first.header) ? [first.port] : []));

/** Whether a balancer that sends the header meets this one at its port: `header-mixed-port` tells, with its cure. */
export function meetsSender({ estate, flows }: Scene, group: FlowGroup): boolean {
  return sendersByPort(flowGroups(flows), group.first.port).some(sender => meet(estate, sender, group));
}

/** Whether two groups go to the same machines as far as one can know: a port alone does not tell, a balancer does. */
export function isTogether(estate: Estate, { first: a }: FlowGroup, { first: b }: FlowGroup): boolean {
  if (a.kind === b.kind && a.balancer === b.balancer) return true;
  return shareMachine(machinesOf(estate, a), machinesOf(estate, b));
}

/** Whether two ways are known to have no machine in common: then two ushers are meant. */
function apart(estate: Estate, a: Flow, b: Flow): boolean {
  const [some, others] = [machinesOf(estate, a), machinesOf(estate, b)];
  const [[one], [other]] = [some, others];
  // An instance may have the address that is a target elsewhere, so that only ids of one kind can be compared.
  const comparable = one !== undefined && other !== undefined && isInstance(one) === isInstance(other);
  return comparable && !shareMachine(some, others);
}

type Machines = ReadonlySet<string>;

const NONE: Machines = new Set();
const ofTargets = keptFor((targets: readonly Target[]): Machines => new Set(targets.map(({ id }) => id)));
const ofInstances = keptFor((ids: readonly string[]): Machines => new Set(ids));

/** Ids of instances, or addresses; none where the files do not say. */
function machinesOf(estate: Estate, flow: Flow): Machines {
  if (flow.kind === 'clb') return ofInstances(classicOf(estate, flow)?.instances ?? []);
  const { targets } = groupOf(estate, flow) ?? {};
  return targets === undefined ? NONE : ofTargets(targets);
}

function isInstance(id: string): boolean {
  return id.startsWith('i-');
}

function shareMachine(some: Machines, others: Machines): boolean {
  for (const id of some) if (others.has(id)) return true;
  return false;
}
