/** Flows of different origin that meet at one port, and whether they meet on the same machines. */
import type { Estate, Target } from '../estate.js';
import type { Scene } from '../finding.js';
import { isSent } from '../flow.js';
import { type FlowGroup, flowGroups, sameInstancePort } from './flow-groups.js';

/** Whether two groups come to one port and may come to one usher there. */
export function meet(estate: Estate, { first: a }: FlowGroup, { first: b }: FlowGroup): boolean {
  // Of one Classic Load Balancer: clb-mixed-instance-port. Of one target group: it has one attribute.
  return a.port === b.port && !sameInstancePort(a, b) && !apart(estate, a.targetGroupArn, b.targetGroupArn);
}

/** Whether a balancer that sends the header meets this one at its port: `header-mixed-port` tells, with its cure. */
export function meetsSender({ estate, flows }: Scene, group: FlowGroup): boolean {
  return flowGroups(flows).some(sender => isSent(sender.first.header) && meet(estate, sender, group));
}

/** Whether two groups go to the same machines as far as one can know: a port alone does not tell, a balancer does. */
export function isTogether(estate: Estate, { first: a }: FlowGroup, { first: b }: FlowGroup): boolean {
  if (a.kind === b.kind && a.balancer === b.balancer) return true;
  return shareTarget(targetsOf(estate, a.targetGroupArn), targetsOf(estate, b.targetGroupArn));
}

/** Whether two target groups are known to have no target in common: then two ushers are meant. */
function apart(estate: Estate, a: string | undefined, b: string | undefined): boolean {
  const [some, others] = [targetsOf(estate, a), targetsOf(estate, b)];
  return some.length > 0 && others.length > 0 && !shareTarget(some, others);
}

/** None where describe-target-health was not given. */
function targetsOf({ targetGroups }: Estate, arn: string | undefined): readonly Target[] {
  return targetGroups.find(group => group.arn === arn)?.targets ?? [];
}

function shareTarget(some: readonly Target[], others: readonly Target[]): boolean {
  return some.some(({ id }) => others.some(other => other.id === id));
}
