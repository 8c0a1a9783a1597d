/** Commands of AWS's command line that rules about Network Load Balancers print. */
import { command, shellWord } from '../shell.js';

/** Sets one attribute of a listener. */
export function setListenerAttribute(arn: string, key: string, value: string): string {
  return command`aws elbv2 modify-listener-attributes --listener-arn ${arn} --attributes ${`Key=${key},Value=${value}`}`;
}

/** Makes a target group for usher; which VPC, the files that rules see do not say. */
export function createTargetGroup(port: number | undefined, targetType: string): string {
  const number = port === undefined ? '"$PORT_OF_USHER"' : `${port}`;
  return `${command`aws elbv2 create-target-group --name usher-tcp --protocol TCP --target-type ${targetType}`} --port ${number} --vpc-id "$VPC_ID"`;
}

/** Lets a listener forward to the target group that {@link createTargetGroup} made. */
export function forwardToNewGroup(listenerArn: string, protocol: string): string {
  return `${command`aws elbv2 modify-listener --listener-arn ${listenerArn} --protocol ${protocol}`} --default-actions "Type=forward,TargetGroupArn=$TARGET_GROUP_ARN"`;
}

/** Prints the address ranges of subnets. */
export function showSubnets(subnets: readonly string[]): readonly string[] {
  if (subnets.length === 0) return [];
  const ids = subnets.map(shellWord).join(' ');
  return [`aws ec2 describe-subnets --subnet-ids ${ids} --query 'Subnets[].CidrBlock'`];
}
