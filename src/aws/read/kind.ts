/** Tells from a document's shape which command has printed it. */

export type Fields = Readonly<Record<string, unknown>>;

export type Kind =
  | 'classics'
  | 'policies'
  | 'classic-attributes'
  | 'networks'
  | 'listeners'
  | 'listener-attributes'
  | 'target-groups'
  | 'target-group-attributes'
  | 'targets'
  | 'task'
  | 'service'
  | 'kubernetes-list'
  /** Known, and nothing in it matters: attributes of a load balancer of the second generation, a Deployment …. */
  | 'ignored';

/** For a sentence. */
export const UNDERSTOOD =
  'understood are the JSON of aws elb describe-load-balancers, describe-load-balancer-policies and ' +
  'describe-load-balancer-attributes, aws elbv2 describe-load-balancers, describe-listeners, describe-listener-attributes, ' +
  'describe-target-groups, describe-target-group-attributes and describe-target-health, aws ecs describe-task-definition, ' +
  'and Services of kubectl get svc -o json';

/** An object, neither a list nor null. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const BY_KEY: readonly (readonly [key: string, kind: Kind])[] = [
  ['LoadBalancerDescriptions', 'classics'],
  ['PolicyDescriptions', 'policies'],
  ['LoadBalancers', 'networks'],
  ['Listeners', 'listeners'],
  ['TargetGroups', 'target-groups'],
  ['TargetHealthDescriptions', 'targets'],
  ['containerDefinitions', 'task'],
];

/** Undefined: it is none that is known. */
export function kindOf(value: Fields): Kind | undefined {
  const [, kind] = BY_KEY.find(([key]) => own(value, key) !== undefined) ?? [];
  if (kind !== undefined) return kind;
  if (isFields(own(value, 'LoadBalancerAttributes'))) return 'classic-attributes';
  if (isFields(own(value, 'taskDefinition'))) return 'task';
  const attributes = own(value, 'Attributes');
  return Array.isArray(attributes) ? kindOfAttributes(attributes) : kindOfObject(value);
}

/** Of Kubernetes. Others have a Service too (Knative: `serving.knative.dev/v1`), which is not this one. */
function kindOfObject(value: Fields): Kind | undefined {
  const kind = own(value, 'kind');
  const version = own(value, 'apiVersion');
  if (typeof kind !== 'string') return undefined;
  if (kind === 'Service' && (version === undefined || version === 'v1')) return 'service';
  if ((kind === 'List' || kind === 'ServiceList') && Array.isArray(own(value, 'items'))) return 'kubernetes-list';
  return typeof version === 'string' ? 'ignored' : undefined;
}

/** Keys of attributes that only one kind of thing has (API 2015-12-01, ModifyTargetGroupAttributes and its sisters). */
const OF_TARGET_GROUP =
  /^(?:deregistration_delay|stickiness|proxy_protocol_v2|preserve_client_ip|target_(?:group_health|health_state|failover)|slow_start|lambda|load_balancing\.algorithm)\./;
const OF_LISTENER = /^(?:tcp\.idle_timeout|routing\.http\.(?:request|response))\./;
const OF_BALANCER =
  /^(?:deletion_protection|access_logs|connection_logs|health_check_logs|idle_timeout|client_keep_alive|ipv6|waf|zonal_shift|dns_record|secondary_ips|load_balancing\.cross_zone|routing\.http2?)\./;

function kindOfAttributes(list: readonly unknown[]): Kind | undefined {
  const keys = list.flatMap(item => (isFields(item) ? own(item, 'Key') : [])).filter(key => typeof key === 'string');
  if (keys.some(key => OF_TARGET_GROUP.test(key))) return 'target-group-attributes';
  if (keys.some(key => OF_LISTENER.test(key))) return 'listener-attributes';
  return keys.some(key => OF_BALANCER.test(key)) ? 'ignored' : undefined;
}

/** An own field: keys such as `constructor` are no fields unless the document has them. */
export function own(value: Fields, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
