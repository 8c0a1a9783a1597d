/** Puts what all documents tell of a thing into one. */
import type { Estate, Gap } from '../estate.js';
import type { At } from '../place.js';
import { assign, type Question } from './assign.js';
import type { Gathered } from './gather.js';
import type { Assignment } from './input.js';
import {
  askClassicAttributes,
  askListenerAttributes,
  askPolicies,
  askTargetGroupAttributes,
  askTargets,
} from './questions.js';
import { latest } from './twice.js';

/** Of what is described twice the later counts; what belongs to nothing is among the gaps. */
export function putTogether(gathered: Gathered, assignments: readonly Assignment[]): Estate {
  const gaps: Gap[] = [...gathered.gaps];

  function once<T extends At>(things: readonly T[], what: string, keyOf: (thing: T) => string): Map<string, T> {
    const answer = latest(
      things.map(thing => ({ key: keyOf(thing), at: thing.at, value: thing })),
      what,
    );
    gaps.push(...answer.gaps);
    return new Map(answer.things);
  }

  function owned<V>(question: Question<V>): (key: string) => V | undefined {
    const { found, gaps: more } = assign(question, assignments);
    gaps.push(...more);
    return key => found.get(key)?.value;
  }

  const classics = once(gathered.classics, 'the load balancer', ({ name }) => name);
  const networks = once(gathered.networks, 'the load balancer', ({ arn }) => arn);
  const listeners = once(gathered.listeners, 'the listener', ({ arn }) => arn);
  const groups = once(gathered.targetGroups, 'the target group', ({ arn }) => arn);
  const tasks = once(gathered.tasks, 'the task definition', ({ key }) => key);
  const services = once(gathered.services, 'the Service', ({ namespace, name }) =>
    namespace === undefined ? name : `${namespace}/${name}`,
  );

  const policiesOf = owned(askPolicies(gathered.policies, classics));
  const timesOf = owned(askClassicAttributes(gathered.classicAttributes, classics));
  const listenerAttributesOf = owned(askListenerAttributes(gathered.listenerAttributes, listeners));
  const groupAttributesOf = owned(askTargetGroupAttributes(gathered.targetGroupAttributes, groups));
  const targetsOf = owned(askTargets(gathered.targets, groups));

  return {
    classics: [...classics].map(([key, classic]) => ({ ...classic, ...timesOf(key), policies: policiesOf(key) })),
    networks: [...networks.values()],
    listeners: [...listeners].map(([key, thing]) => ({ ...thing, attributes: listenerAttributesOf(key) })),
    targetGroups: [...groups].map(([key, thing]) => ({
      ...thing,
      attributes: groupAttributesOf(key),
      targets: targetsOf(key),
    })),
    tasks: [...tasks.values()].map(({ task }) => task),
    services: [...services.values()],
    gaps,
  };
}
