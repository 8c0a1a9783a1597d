/** What a document seems to be that is none of those that are understood. */
import { type Fields, isFields, own } from './kind.js';
import { described, quoted } from './shown.js';

const OUTPUTS: Readonly<Record<string, readonly string[]>> = {
  'aws ec2': ['Reservations', 'Subnets', 'Vpcs', 'SecurityGroups', 'NetworkInterfaces', 'Instances', 'Addresses'],
  'aws autoscaling': ['AutoScalingGroups', 'AutoScalingInstances'],
  'aws elb describe-instance-health': ['InstanceStates'],
  'aws elb describe-load-balancer-policy-types': ['PolicyTypeDescriptions'],
  'aws elbv2 describe-rules': ['Rules'],
  'aws elbv2 describe-ssl-policies': ['SslPolicies'],
  'aws elbv2 describe-tags': ['TagDescriptions'],
  'aws ecs list-task-definitions': ['taskDefinitionArns'],
  'aws ecs list-services': ['serviceArns'],
  'aws ecs describe-services': ['services'],
  'aws ecs describe-tasks': ['tasks'],
  'aws ecs describe-clusters': ['clusters'],
  'aws cloudformation': ['Stacks', 'StackResources', 'StackEvents'],
};

/** Parts of outputs that are understood, as `--query` leaves them over. */
const PARTS: Readonly<Record<string, string>> = {
  LoadBalancerArns: 'aws elbv2 describe-target-groups',
  ListenerArn: 'aws elbv2 describe-listeners',
  LoadBalancerArn: 'aws elbv2 describe-load-balancers',
  ListenerDescriptions: 'aws elb describe-load-balancers',
  PolicyTypeName: 'aws elb describe-load-balancer-policies',
  TargetHealth: 'aws elbv2 describe-target-health',
  portMappings: 'aws ecs describe-task-definition',
};

/** A phrase to come after the file or the place. */
export function looksOfValue(value: unknown): string {
  if (!isFields(value)) return looksOfPlain(value);
  const keys = Object.keys(value);
  if (keys.length === 0) return 'is an empty object';
  return (
    looksOfOutput(value) ?? looksOfOther(value) ?? `is an object with the keys ${quoted(keys.slice(0, 5).join(', '))}`
  );
}

function looksOfPlain(value: unknown): string {
  if (!Array.isArray(value)) return `is only ${described(value)}`;
  if (value.length === 0) return 'is an empty list';
  return typeof value[0] === 'string' ? 'is a list of strings' : 'is a list';
}

function looksOfOutput(value: Fields): string | undefined {
  const [output] = Object.entries(OUTPUTS).find(([, keys]) => keys.some(key => Array.isArray(own(value, key)))) ?? [];
  if (output !== undefined) return `looks like an output of ${output}`;
  const [, whole] = Object.entries(PARTS).find(([key]) => own(value, key) !== undefined) ?? [];
  if (whole !== undefined) return `looks like a part of what ${whole} prints: leave --query out`;
  if (isText(own(value, 'Key')) && own(value, 'Value') !== undefined) {
    return 'looks like an attribute without what stands around it: leave --query out';
  }
  return undefined;
}

function looksOfOther(value: Fields): string | undefined {
  if (own(value, 'Attributes') !== undefined) return 'has attributes, but none of a listener or of a target group';
  if (own(value, 'AWSTemplateFormatVersion') !== undefined || isFields(own(value, 'Resources'))) {
    return 'looks like a template of CloudFormation';
  }
  if (['terraform_version', 'planned_values', 'resource_changes'].some(key => own(value, key) !== undefined)) {
    return 'looks like a plan or a state of Terraform';
  }
  if (isFields(own(value, 'listeners')) || isFields(own(value, 'backends'))) {
    return "looks like usher's configuration: give it with --config";
  }
  if (isFields(own(value, 'services'))) return 'looks like a file of Docker Compose';
  return isText(own(value, 'kind')) ? 'looks like an object of Kubernetes without its apiVersion' : undefined;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
