/** Outputs of `aws elbv2` (Network, Application and Gateway Load Balancer, API 2015-12-01). */
import { z } from 'zod';
import type {
  Attributes,
  NetworkBalancer,
  NetworkListener,
  Target,
  TargetGroup,
  TargetHealthCheck,
} from '../estate.js';
import { below, type DocumentPlace } from '../place.js';
import type { Elements } from './elements.js';
import { attributeValue, flag, list, maybe, name, object, port, text } from './fields.js';

const balancer = object({
  LoadBalancerArn: name,
  LoadBalancerName: name,
  Type: text,
  Scheme: maybe(text),
  AvailabilityZones: list,
});
const zone = object({ SubnetId: maybe(name), LoadBalancerAddresses: list });
const address = object({ PrivateIPv4Address: maybe(text), IPv6Address: maybe(text) });

const namedListener = object({ ListenerArn: name });
const listener = object({ ListenerArn: name, LoadBalancerArn: name, Port: port, Protocol: text, DefaultActions: list });
const action = object({ TargetGroupArn: maybe(name), ForwardConfig: maybe(object({ TargetGroups: list })) });
const weighted = object({ TargetGroupArn: name });

const healthPort = z.union([z.literal('traffic-port'), port], 'a port number or traffic-port');
const targetGroup = object({
  TargetGroupArn: name,
  TargetGroupName: name,
  Protocol: maybe(text),
  Port: maybe(port),
  TargetType: text,
  LoadBalancerArns: list,
  HealthCheckEnabled: maybe(flag),
  HealthCheckProtocol: maybe(text),
  HealthCheckPort: maybe(healthPort),
  HealthCheckPath: maybe(text),
});
/** Only a group of Lambda functions has none. */
const protocolGiven = object({ Protocol: text });
const namedTarget = object({ Target: object({ Id: name }) });
const target = object({
  Target: object({ Id: name, Port: port }),
  TargetHealth: maybe(object({ State: maybe(text), Reason: maybe(text) })),
});
const attribute = object({ Key: text, Value: attributeValue });

/** `LoadBalancers` of describe-load-balancers. */
export function readNetworks(elements: Elements, value: unknown, at: DocumentPlace): NetworkBalancer[] {
  return elements.each(balancer, value, at, (given, at) => {
    const zones = readZones(elements, given.AvailabilityZones, below(at, 'AvailabilityZones'));
    return {
      at,
      arn: given.LoadBalancerArn,
      name: given.LoadBalancerName,
      type: given.Type,
      scheme: given.Scheme,
      subnets: zones.flatMap(zone => zone.subnet ?? []),
      addresses: zones.flatMap(zone => zone.addresses),
    };
  });
}

function readZones(elements: Elements, value: unknown, at: DocumentPlace) {
  return elements.each(zone, value, at, (given, at) => ({
    subnet: given.SubnetId,
    addresses: elements
      .each(address, given.LoadBalancerAddresses, below(at, 'LoadBalancerAddresses'), address => [
        address.PrivateIPv4Address ?? [],
        address.IPv6Address ?? [],
      ])
      .flat(2),
  }));
}

const OF_GATEWAY = /:listener\/gwy\//;

/** `Listeners` of describe-listeners. Those of a Gateway Load Balancer have neither port nor protocol: left out. */
export function readListeners(elements: Elements, value: unknown, at: DocumentPlace): NetworkListener[] {
  return elements.each(z.unknown(), value, at, (value, at) => {
    const arn = namedListener.safeParse(value).data?.ListenerArn;
    if (arn !== undefined && OF_GATEWAY.test(arn)) return undefined;
    const given = elements.read(listener, value, at);
    if (given === undefined) return undefined;
    return {
      at,
      arn: given.ListenerArn,
      balancerArn: given.LoadBalancerArn,
      port: given.Port,
      protocol: given.Protocol,
      targetGroupArns: readForwards(elements, given.DefaultActions, below(at, 'DefaultActions')),
      attributes: undefined,
    };
  });
}

/** One target group is named twice, by the action and by its ForwardConfig. */
function readForwards(elements: Elements, value: unknown, at: DocumentPlace): string[] {
  const arns = elements.each(action, value, at, (given, at) => [
    ...(given.TargetGroupArn === undefined ? [] : [given.TargetGroupArn]),
    ...elements.each(
      weighted,
      given.ForwardConfig?.TargetGroups,
      below(at, 'ForwardConfig', 'TargetGroups'),
      group => group.TargetGroupArn,
    ),
  ]);
  return [...new Set(arns.flat())];
}

type GivenGroup = z.output<typeof targetGroup>;

/** `TargetGroups` of describe-target-groups. */
export function readTargetGroups(elements: Elements, value: unknown, at: DocumentPlace): TargetGroup[] {
  return elements.each(targetGroup, value, at, (given, at) => {
    const { TargetType } = given;
    if (TargetType !== 'lambda' && elements.read(protocolGiven, given, at) === undefined) return undefined;
    return {
      at,
      arn: given.TargetGroupArn,
      name: given.TargetGroupName,
      protocol: given.Protocol ?? '',
      port: given.Port,
      targetType: TargetType,
      balancerArns: elements.strings(name, given.LoadBalancerArns, below(at, 'LoadBalancerArns')),
      healthCheck: healthCheckOf(given, at),
      attributes: undefined,
      targets: undefined,
    };
  });
}

/** A group of Lambda functions names neither protocol nor port of its check, and has it off unless it says so. */
function healthCheckOf(given: GivenGroup, at: DocumentPlace): TargetHealthCheck {
  return {
    at,
    enabled: given.HealthCheckEnabled ?? given.TargetType !== 'lambda',
    protocol: given.HealthCheckProtocol ?? '',
    port: given.HealthCheckPort ?? 'traffic-port',
    path: given.HealthCheckPath,
  };
}

/** `TargetHealthDescriptions` of describe-target-health. Functions have no port: left out. */
export function readTargets(elements: Elements, value: unknown, at: DocumentPlace): Target[] {
  return elements.each(z.unknown(), value, at, (value, at) => {
    const id = namedTarget.safeParse(value).data?.Target.Id;
    if (id?.startsWith('arn:')) return undefined;
    const given = elements.read(target, value, at);
    if (given === undefined) return undefined;
    const { Target, TargetHealth } = given;
    return { at, id: Target.Id, port: Target.Port, state: TargetHealth?.State, reason: TargetHealth?.Reason };
  });
}

/** `Attributes` of describe-listener-attributes and describe-target-group-attributes. */
export function readAttributes(elements: Elements, value: unknown, at: DocumentPlace): Attributes {
  return new Map(
    elements.each(
      attribute,
      value,
      at,
      (given, at) => [given.Key, { at: below(at, 'Value'), value: given.Value }] as const,
    ),
  );
}
