/** The five sorts of documents that do not say whose they are. */
import { PROXY_PROTOCOL } from '../attributes.js';
import { isSample } from '../classic-policies.js';
import type { Attributes, ClassicBalancer, NetworkListener, Policy, Target, TargetGroup } from '../estate.js';
import { isHttp } from '../flow.js';
import type { Question } from './assign.js';
import { classicCandidates, listenerCandidates, targetGroupCandidates } from './candidates.js';
import type { Loose } from './gather.js';
import type { ClassicAttributes } from './shapes-elb.js';

const CLASSIC = {
  of: 'Classic Load Balancer',
  option: '--load-balancer NAME',
  command: 'aws elb describe-load-balancers',
};
const TARGET_GROUP = {
  of: 'target group',
  option: '--target-group ARN',
  command: 'aws elbv2 describe-target-groups',
};
const LISTENER = { of: 'listener', option: '--listener ARN', command: 'aws elbv2 describe-listeners' };

/** Whose describe-load-balancer-policies is. */
export function askPolicies(
  documents: readonly Loose<readonly Policy[]>[],
  classics: ReadonlyMap<string, ClassicBalancer>,
): Question<readonly Policy[]> {
  return {
    documents,
    candidates: classicCandidates([...classics.values()]),
    fits: ({ value }, key) => thatFits(classics, key, classic => !value.some(isSample) && fitsClassic(value, classic)),
    // With --policy-names there are only some of its policies.
    nameCounts: true,
    likely: ({ value }, key) => thatFits(classics, key, classic => holdsAttached(value, classic)),
    words: { ...CLASSIC, what: 'policies' },
  };
}

/** A balancer that names policies names one of these. */
function fitsClassic(policies: readonly Policy[], { attached, otherPolicies }: ClassicBalancer): boolean {
  const named = [...attached.flatMap(({ names }) => names), ...otherPolicies.map(({ value }) => value)];
  return named.length === 0 || policies.some(({ name }) => named.includes(name));
}

function holdsAttached(policies: readonly Policy[], { attached }: ClassicBalancer): boolean {
  const names = attached.flatMap(({ names }) => names);
  return names.length > 0 && names.every(name => policies.some(policy => policy.name === name));
}

/** Whose describe-load-balancer-attributes is. */
export function askClassicAttributes(
  documents: readonly Loose<ClassicAttributes>[],
  classics: ReadonlyMap<string, ClassicBalancer>,
): Question<ClassicAttributes> {
  return {
    documents,
    candidates: classicCandidates([...classics.values()]),
    fits: ({ name }, key) => name === undefined || name === key,
    nameCounts: false,
    likely: () => false,
    words: { ...CLASSIC, what: 'attributes' },
  };
}

/** Whose describe-listener-attributes is. */
export function askListenerAttributes(
  documents: readonly Loose<Attributes>[],
  listeners: ReadonlyMap<string, NetworkListener>,
): Question<Attributes> {
  return {
    documents,
    candidates: listenerCandidates([...listeners.values()]),
    fits: (document, key) => thatFits(listeners, key, listener => fitsListener(document.value, listener)),
    nameCounts: false,
    likely: () => false,
    words: { ...LISTENER, what: 'attributes' },
  };
}

/** Whose describe-target-group-attributes is. */
export function askTargetGroupAttributes(
  documents: readonly Loose<Attributes>[],
  groups: ReadonlyMap<string, TargetGroup>,
): Question<Attributes> {
  return {
    documents,
    candidates: targetGroupCandidates([...groups.values()]),
    fits: (document, key) => thatFits(groups, key, group => fitsTargetGroup(document.value, group)),
    nameCounts: false,
    likely: () => false,
    words: { ...TARGET_GROUP, what: 'attributes' },
  };
}

/** Whose describe-target-health is. */
export function askTargets(
  documents: readonly Loose<readonly Target[]>[],
  groups: ReadonlyMap<string, TargetGroup>,
): Question<readonly Target[]> {
  return {
    documents,
    candidates: targetGroupCandidates([...groups.values()]),
    fits: ({ value }, key) => thatFits(groups, key, group => value.every(target => fitsTarget(target, group))),
    nameCounts: false,
    likely: ({ value }, key) =>
      value.length > 0 && thatFits(groups, key, group => value.every(({ port }) => port === group.port)),
    words: { ...TARGET_GROUP, what: 'targets' },
  };
}

function thatFits<T>(things: ReadonlyMap<string, T>, key: string, fits: (thing: T) => boolean): boolean {
  const thing = things.get(key);
  return thing !== undefined && fits(thing);
}

/** Only TCP has this idle timeout, and only HTTP has headers. */
function fitsListener(attributes: Attributes, { protocol }: NetworkListener): boolean {
  const http = isHttp(protocol);
  return [...attributes.keys()].every(key => {
    return key.startsWith('tcp.') ? !http : http || !key.startsWith('routing.http');
  });
}

/** Groups of an Application or Gateway Load Balancer and of functions have no PROXY header. */
function fitsTargetGroup(attributes: Attributes, { protocol, targetType }: TargetGroup): boolean {
  if (!attributes.has(PROXY_PROTOCOL)) return true;
  return !isHttp(protocol) && protocol !== 'GENEVE' && targetType !== 'lambda';
}

/** Instances are in a group of instances; addresses in one of addresses. */
function fitsTarget({ id }: Target, { targetType }: TargetGroup): boolean {
  return targetType === (id.startsWith('i-') ? 'instance' : 'ip');
}
