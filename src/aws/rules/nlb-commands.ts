/** Commands of AWS's command line that rules about Network Load Balancers print. */
import type { Target } from '../estate.js';
import { command, shellWord } from '../shell.js';

/** Sets one attribute of a listener. */
export function setListenerAttribute(arn: string, key: string, value: string): string {
  return command`aws elbv2 modify-listener-attributes --listener-arn ${arn} --attributes ${`Key=${key},Value=${value}`}`;
}

/** What a new target group for usher is made from; the VPC stands in no file that rules see. */
export interface NewGroup {
  readonly port: number | undefined;
  readonly targetType: 'instance' | 'ip';
  /** Instances or addresses that are to be registered; empty: a person has to name them. */
  readonly targets: readonly Target[];
  readonly sendsHeader: boolean;
}

/**
 * Makes a target group for usher and lets a listener forward to it, in an order in which no client meets an empty group
 * (AWS checks its targets only once a listener forwards there). A variable that nobody has set stops its command with what it should hold.
 */
export function moveToNewGroup(listenerArn: string, protocol: string, group: NewGroup): readonly string[] {
  const { port, targetType, targets, sendsHeader } = group;
  const number = port === undefined ? `"\${PORT:?the port on which usher listens}"` : `${port}`;
  const create = `${command`aws elbv2 create-target-group --name usher-tcp --protocol TCP --target-type ${targetType}`} --port ${number} --vpc-id "\${VPC_ID:?the VPC of the targets}" --query 'TargetGroups[0].TargetGroupArn' --output text`;
  const ids = targets.slice(0, MOST_TARGETS).map(({ id }) => command`${`Id=${id}`}`);
  const named = ids.length > 0 ? ids.join(' ') : `"Id=\${TARGET:?an instance or an address}"`;
  const on = `aws elbv2 modify-target-group-attributes --target-group-arn ${GROUP} --attributes Key=proxy_protocol_v2.enabled,Value=true`;
  return [
    `TARGET_GROUP_ARN=$(${create})`,
    ...(sendsHeader ? [on] : []),
    `aws elbv2 register-targets --target-group-arn ${GROUP} --targets ${named} && ${command`aws elbv2 modify-listener --listener-arn ${listenerArn} --protocol ${protocol}`} --default-actions Type=forward,TargetGroupArn=${GROUP}`,
  ];
}

const GROUP = `"\${TARGET_GROUP_ARN:?of the new target group}"`;
const MOST_TARGETS = 20;

/** Prints the address ranges of subnets. */
export function showSubnets(subnets: readonly string[]): readonly string[] {
  if (subnets.length === 0) return [];
  const ids = subnets.map(shellWord).join(' ');
  return [`aws ec2 describe-subnets --subnet-ids ${ids} --query 'Subnets[].CidrBlock'`];
}
