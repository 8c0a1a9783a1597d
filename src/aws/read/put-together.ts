/** Puts what all documents tell of a thing into one. */
import type { ClassicBalancer, Estate, Gap, KubernetesService, NetworkListener, TargetGroup } from '../estate.js';
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
  const things = describedOnce(gathered, gaps);
  const owned = <V>(question: Question<V>) => ownedBy(question, assignments, gaps);
  return {
    classics: completeClassics(things.classics, gathered, owned),
    listeners: completeListeners(things.listeners, gathered, owned),
    targetGroups: completeGroups(things.targetGroups, gathered, owned),
    networks: [...things.networks.values()],
    tasks: [...things.tasks.values()].map(({ task }) => task),
    services: [...things.services.values()],
    gaps,
  };
}

/** Everything by its key. Adds to the gaps what is described twice. */
function describedOnce(gathered: Gathered, gaps: Gap[]) {
  function once<T extends At>(things: readonly T[], what: string, keyOf: (thing: T) => string): ReadonlyMap<string, T> {
    const described = things.map(thing => ({ key: keyOf(thing), at: thing.at, value: thing }));
    const answer = latest(described, what);
    gaps.push(...answer.gaps);
    return answer.things;
  }
  return {
    classics: once(gathered.classics, 'the load balancer', ({ name }) => name),
    networks: once(gathered.networks, 'the load balancer', ({ arn }) => arn),
    listeners: once(gathered.listeners, 'the listener', ({ arn }) => arn),
    targetGroups: once(gathered.targetGroups, 'the target group', ({ arn }) => arn),
    tasks: once(gathered.tasks, 'the task definition', ({ key }) => key),
    services: once(gathered.services, 'the Service', serviceKey),
  };
}

function serviceKey({ namespace, name }: KubernetesService): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** What a document tells of the thing with a key; undefined: no document is of it. */
type ValueOf<V> = (key: string) => V | undefined;
type Owned = <V>(question: Question<V>) => ValueOf<V>;

/** Finds out whose each document is. Adds to the gaps what is nobody's. */
function ownedBy<V>(question: Question<V>, assignments: readonly Assignment[], gaps: Gap[]): ValueOf<V> {
  const answer = assign(question, assignments);
  gaps.push(...answer.gaps);
  return key => answer.found.get(key)?.value;
}

function completeClassics(
  classics: ReadonlyMap<string, ClassicBalancer>,
  { policies, classicAttributes }: Gathered,
  owned: Owned,
): ClassicBalancer[] {
  const policiesOf = owned(askPolicies(policies, classics));
  const timesOf = owned(askClassicAttributes(classicAttributes, classics));
  return [...classics].map(([key, classic]) => ({ ...classic, ...timesOf(key), policies: policiesOf(key) }));
}

function completeListeners(
  listeners: ReadonlyMap<string, NetworkListener>,
  { listenerAttributes }: Gathered,
  owned: Owned,
): NetworkListener[] {
  const attributesOf = owned(askListenerAttributes(listenerAttributes, listeners));
  return [...listeners].map(([key, listener]) => ({ ...listener, attributes: attributesOf(key) }));
}

function completeGroups(
  groups: ReadonlyMap<string, TargetGroup>,
  { targetGroupAttributes, targets }: Gathered,
  owned: Owned,
): TargetGroup[] {
  const attributesOf = owned(askTargetGroupAttributes(targetGroupAttributes, groups));
  const targetsOf = owned(askTargets(targets, groups));
  return [...groups].map(([key, group]) => ({ ...group, attributes: attributesOf(key), targets: targetsOf(key) }));
}
