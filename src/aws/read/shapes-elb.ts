/** Outputs of `aws elb` (Classic Load Balancer, API 2012-06-01). */

import { z } from 'zod';
import type {
  AttachedPolicies,
  ClassicBalancer,
  ClassicHealthCheck,
  ClassicListener,
  ClassicProtocol,
  Given,
  Policy,
} from '../estate.js';
import { below, type DocumentPlace, jsonPath } from '../place.js';
import type { Elements } from './elements.js';
import { attributeValue, flag, list, maybe, name, object, port, seconds, text } from './fields.js';
import { described } from './shown.js';

const PROTOCOLS = 'TCP, SSL, HTTP or HTTPS';
const protocol = z
  .string(PROTOCOLS)
  .transform(value => value.toUpperCase())
  .pipe(z.enum(['TCP', 'SSL', 'HTTP', 'HTTPS'], PROTOCOLS));

const listenerDescription = object({
  Listener: object({
    Protocol: protocol,
    LoadBalancerPort: port,
    InstanceProtocol: protocol,
    InstancePort: port,
  }),
});
const backendServer = object({ InstancePort: port, PolicyNames: list });
const balancer = object({
  LoadBalancerName: name,
  Scheme: maybe(text),
  Subnets: list,
  Instances: list,
  ListenerDescriptions: list,
  BackendServerDescriptions: list,
  Policies: maybe(object({ OtherPolicies: list })),
  HealthCheck: maybe(object({ Target: maybe(text) })),
});
const instance = object({ InstanceId: name });
const policy = object({ PolicyName: name, PolicyTypeName: text, PolicyAttributeDescriptions: list });
const policyAttribute = object({ AttributeName: text, AttributeValue: maybe(attributeValue) });
const attributes = object({
  ConnectionDraining: maybe(object({ Enabled: flag, Timeout: maybe(seconds) })),
  ConnectionSettings: maybe(object({ IdleTimeout: maybe(seconds) })),
});

/** What describe-load-balancer-attributes tells. */
export type ClassicAttributes = Pick<ClassicBalancer, 'idleTimeout' | 'connectionDraining'>;

/** `LoadBalancerDescriptions` of describe-load-balancers. */
export function readClassics(elements: Elements, value: unknown, at: DocumentPlace): ClassicBalancer[] {
  return elements.each(balancer, value, at, (given, at) => {
    const ways = readWays(elements, given, at);
    if (ways === undefined) return undefined;
    return {
      at,
      name: given.LoadBalancerName,
      scheme: given.Scheme,
      subnets: elements.strings(name, given.Subnets, below(at, 'Subnets')),
      instances: elements.each(instance, given.Instances, below(at, 'Instances'), ({ InstanceId }) => InstanceId),
      ...ways,
      otherPolicies: readOtherPolicies(elements, given.Policies?.OtherPolicies, below(at, 'Policies', 'OtherPolicies')),
      policies: undefined,
      healthCheck: readHealthCheck(elements, given.HealthCheck?.Target, below(at, 'HealthCheck', 'Target')),
      idleTimeout: undefined,
      connectionDraining: undefined,
    };
  });
}

/** Undefined where one can't be read: the others would seem to be all, and a header to be off that is on. */
function readWays(elements: Elements, given: z.output<typeof balancer>, at: DocumentPlace) {
  return elements.whole(() => ({
    listeners: readListeners(elements, given.ListenerDescriptions, below(at, 'ListenerDescriptions')),
    attached: readAttached(elements, given.BackendServerDescriptions, below(at, 'BackendServerDescriptions')),
  }));
}

function readListeners(elements: Elements, value: unknown, at: DocumentPlace): ClassicListener[] {
  return elements.each(listenerDescription, value, at, ({ Listener }, at) => ({
    at: below(at, 'Listener'),
    protocol: Listener.Protocol,
    port: Listener.LoadBalancerPort,
    instanceProtocol: Listener.InstanceProtocol,
    instancePort: Listener.InstancePort,
  }));
}

function readAttached(elements: Elements, value: unknown, at: DocumentPlace): AttachedPolicies[] {
  return elements.each(backendServer, value, at, (given, at) => ({
    at,
    instancePort: given.InstancePort,
    names: elements.strings(name, given.PolicyNames, below(at, 'PolicyNames')),
  }));
}

function readOtherPolicies(elements: Elements, value: unknown, at: DocumentPlace): Given<string>[] {
  return elements.each(name, value, at, (given, at) => ({ at, value: given }));
}

const TARGET = /^(TCP|SSL|HTTP|HTTPS):(\d{1,5})(\/.*)?$/is;

/** `TCP:8080`, `HTTP:8080/path`. */
function readHealthCheck(
  elements: Elements,
  target: string | undefined,
  at: DocumentPlace,
): ClassicHealthCheck | undefined {
  if (target === undefined) return undefined;
  const [, name = '', digits = '', path] = TARGET.exec(target) ?? [];
  const port = Number(digits);
  if (name === '' || port > 65_535) {
    elements.tell(at, `${jsonPath(at.steps)} should be like TCP:8080 or HTTP:8080/path, not ${described(target)}`);
    return undefined;
  }
  return { at, protocol: name.toUpperCase() as ClassicProtocol, port, path };
}

/** `PolicyDescriptions` of describe-load-balancer-policies. */
export function readPolicies(elements: Elements, value: unknown, at: DocumentPlace): Policy[] {
  return elements.each(policy, value, at, (given, at) => {
    const place = below(at, 'PolicyAttributeDescriptions');
    // Without one of its attributes a policy may seem to be off that is on.
    const attributes = elements.whole(() =>
      elements.each(
        policyAttribute,
        given.PolicyAttributeDescriptions,
        place,
        attribute => [attribute.AttributeName, attribute.AttributeValue ?? ''] as const,
      ),
    );
    if (attributes === undefined) return undefined;
    return { at, name: given.PolicyName, type: given.PolicyTypeName, attributes: Object.fromEntries(attributes) };
  });
}

/** `LoadBalancerAttributes` of describe-load-balancer-attributes. */
export function readClassicAttributes(
  elements: Elements,
  value: unknown,
  at: DocumentPlace,
): ClassicAttributes | undefined {
  const given = elements.read(attributes, value, at);
  if (given === undefined) return undefined;
  const idle = given.ConnectionSettings?.IdleTimeout;
  const idleAt = below(at, 'ConnectionSettings', 'IdleTimeout');
  return {
    idleTimeout: idle === undefined ? undefined : { at: idleAt, value: idle },
    connectionDraining: readDraining(given.ConnectionDraining, below(at, 'ConnectionDraining')),
  };
}

function readDraining(
  given: { Enabled: boolean; Timeout: number | undefined } | undefined,
  at: DocumentPlace,
): Given<number> | undefined {
  if (given === undefined) return undefined;
  if (!given.Enabled) return { at: below(at, 'Enabled'), value: 0 };
  return given.Timeout === undefined ? undefined : { at: below(at, 'Timeout'), value: given.Timeout };
}
