/** Flows of different origin that meet at one port, and whether they meet on the same machines. */
import type { Estate } from '../estate.js';
import type { Scene } from '../finding.js';
import { type Flow, isSent } from '../flow.js';
import { type FlowGroup, flowGroups, sameInstancePort } from './flow-groups.js';

/** Whether two groups come to one port and may come to one usher there. */
export function meet(estate: Estate, { first: a }: FlowGroup, { first: b }: FlowGroup): boolean {
  // Of one Classic Load Balancer: clb-mixed-instance-port. Of one target group: it has one attribute.
  return a.port === b.port && !sameInstancePort(a, b) && !apart(estate, a, b);
}

/** Whether a balancer that sends the header meets this one at its port: `header-mixed-port` tells, with its cure. */
export function meetsSender({ estate, flows }: Scene, group: FlowGroup): boolean {
  return flowGroups(flows).some(sender => isSent(sender.first.header) && meet(estate, sender, group));
}

/** Whether two groups go to the same machines as far as one can know: a port alone does not tell, a balancer does. */
export function isTogether(estate: Estate, { first: a }: FlowGroup, { first: b }: FlowGroup): boolean {
  if (a.kind === b.kind && a.balancer === b.balancer) return true;
  return shareMachine(machinesOf(estate, a), machinesOf(estate, b));
}

/** Whether two ways are known to have no machine in common: then two ushers are meant. */
function apart(estate: Estate, a: Flow, b: Flow): boolean {
  const [some, others] = [machinesOf(estate, a), machinesOf(estate, b)];
  const [one, other] = [some[0], others[0]];
  // An instance may have the address that is a target elsewhere, so that only ids of one kind can be compared.
  const comparable = one !== undefined && other !== undefined && isInstance(one) === isInstance(other);
  return comparable && !shareMachine(some, others);
}

/** Instances or addresses; none where the files do not say. */
function machinesOf({ classics, targetGroups }: Estate, flow: Flow): readonly string[] {
  if (flow.kind === 'clb') return classics.find(({ name }) => name === flow.balancer)?.instances ?? [];
  return targetGroups.find(({ arn }) => arn === flow.targetGroupArn)?.targets?.map(({ id }) => id) ?? [];
}

function isInstance(id: string): boolean {
  return id.startsWith('i-');
}

function shareMachine(some: readonly string[], others: readonly string[]): boolean {
  const known = new Set(some);
  return others.some(id => known.has(id));
}
