/** Finds the things of an estate that others name. */
import type {
  ClassicBalancer,
  Estate,
  KubernetesService,
  NetworkBalancer,
  NetworkListener,
  TargetGroup,
} from './estate.js';
import type { Flow } from './flow.js';
import { indexed } from './indexed.js';
import type { DocumentPlace } from './place.js';

const classicsByName = indexed(({ name }: ClassicBalancer) => [name]);
const groupsByArn = indexed(({ arn }: TargetGroup) => [arn]);
const listenersByGroup = indexed(({ targetGroupArns }: NetworkListener) => targetGroupArns);
const networksByArn = indexed(({ arn }: NetworkBalancer) => [arn]);
const networksByName = indexed(({ name }: NetworkBalancer) => [name]);
const servicesByPort = indexed(({ ports }: KubernetesService): DocumentPlace[] => ports.map(({ at }) => at));

/** The Classic Load Balancer of a flow of one. */
export function classicOf({ classics }: Estate, { balancer }: Flow): ClassicBalancer | undefined {
  return classicsByName(classics, balancer)[0];
}

/** The target group of a flow; undefined: it has none, or that was not given. */
export function groupOf({ targetGroups }: Estate, { targetGroupArn }: Flow): TargetGroup | undefined {
  return targetGroupArn === undefined ? undefined : groupsByArn(targetGroups, targetGroupArn)[0];
}

/** The listeners that forward to a target group. */
export function listenersTo({ listeners }: Estate, { arn }: TargetGroup): readonly NetworkListener[] {
  return listenersByGroup(listeners, arn);
}

/** The load balancers with these ARNs, as far as they were given. */
export function networksOf({ networks }: Estate, arns: Iterable<string>): readonly NetworkBalancer[] {
  return [...new Set(arns)].flatMap(arn => networksByArn(networks, arn));
}

/** The load balancers with a name. */
export function networksNamed({ networks }: Estate, name: string): readonly NetworkBalancer[] {
  return networksByName(networks, name);
}

/** The Service that a flow stands in. */
export function serviceOf({ services }: Estate, { at }: Flow): KubernetesService | undefined {
  return servicesByPort(services, at)[0];
}
