/** What is said of files that are something else. */
import t from 'tap';
import { readEstate } from '../../../src/aws/read/read-estate.js';
import { file, listeners, networks, targetGroup } from './outputs.js';

const told = (content: unknown) =>
  readEstate([file('x', content)]).problems.map(({ line, message }) => `${line} ${message}`);

const texts: readonly (readonly [text: string, message: RegExp])[] = [
  ['-----------------\n|  DescribeLoadBalancers  |\n+----+', /^0 looks like aws --output table: run .* --output json$/],
  ['LOADBALANCERS\tZ1H1\t2026-01-01\tchat', /^0 looks like aws --output text/],
  [
    '\nAn error occurred (AccessDenied) when calling the DescribeLoadBalancers operation',
    /^0 looks like an error message of the AWS/,
  ],
  ['aws: error: argument command: Invalid choice', /^0 looks like an error message of the AWS/],
  ['Unable to locate credentials. You can configure', /^0 looks like an error message of the AWS/],
  ['Error from server (Forbidden): services is forbidden', /^0 looks like a message of kubectl/],
  ['NAME         TYPE        CLUSTER-IP', /^0 looks like a table of kubectl: run kubectl get svc -o json$/],
  ['<!DOCTYPE html>\n<html>', /^0 looks like HTML or XML/],
  ['resource "aws_lb" "chat" {\n}', /^0 looks like a configuration of Terraform/],
  ['{{- if .Values.service }}\nkind: Service', /^0 looks like a template of Helm/],
  ['Hello world', /^1 is only "Hello world"; understood are /],
  ['null', /^0 holds no document$/],
  ['# nothing\n---\n', /^0 holds no document$/],
  [
    '{"Listeners": []}\nAn error occurred (Throttling) when',
    /^2 looks like an error message of the AWS command line: .*, from here on$/,
  ],
  ['{"Listeners": []}\n\n oops', /^3 is not valid JSON at column 2: a document begins with/],
  ['{"Listeners": [\n  1,\n]}', /^3 is not valid JSON at column 1: a comma stands before/],
  ['{"Listeners": [\n  {"Port": 1,', /^2 is not valid JSON at column 14: the file ends inside a document/],
  ['{"Listeners": [\n  {"Port" 1', /^2 is not valid JSON at column 11: a colon is missing/],
  ['a: [1\nb: 2\n', /^\d is not valid YAML at column \d+: /],
  ['x: '.padEnd(1024 * 1024 + 1, 'y'), /^0 has more than 1048576 characters of YAML/],
];

for (const [text, message] of texts) {
  t.test(JSON.stringify(text.slice(0, 40)), async t => {
    const [first = '', ...others] = told(text);
    t.match(first, message);
    t.strictSame(others, []);
  });
}

const group = targetGroup('x');
const values: readonly (readonly [value: unknown, message: RegExp])[] = [
  [{}, /^1 is an empty object; /],
  [[], /^1 is an empty list; /],
  [['a', 'b'], /^1 is a list of strings; /],
  [[['a']], /^2 is a list of strings; /],
  [
    { Reservations: [] },
    /looks like an output of aws ec2; understood are the JSON of aws elb describe-load-balancers, /,
  ],
  [{ services: [], failures: [] }, /looks like an output of aws ecs describe-services/],
  [{ Resources: { A: { Type: 'AWS::EC2::VPC' } } }, /template of CloudFormation/],
  [{ format_version: '1.2', terraform_version: '1.9.0', planned_values: {} }, /Terraform/],
  [{ listeners: { chat: { listen: 8080 } } }, /looks like usher's configuration: give it with --config/],
  [{ services: { web: {} } }, /Docker Compose/],
  [{ kind: 'Deployment' }, /Kubernetes without its apiVersion/],
  [networks.LoadBalancers, /looks like a part of what aws elbv2 describe-load-balancers prints: leave --query out/],
  [listeners.Listeners, /part of what aws elbv2 describe-listeners prints/],
  [[group, group], /part of what aws elbv2 describe-target-groups prints/],
  [[{ Key: 'a', Value: 'b' }], /attribute without what stands around it/],
  [{ Attributes: [{ Key: 'a', Value: 'b' }] }, /has attributes, but none of a listener or of a target group/],
  [{ Attributes: { a: 'b' } }, /has attributes, but none/],
  [{ 'a\u001b[31m': 1, b: 2 }, /is an object with the keys "a\\u001b\[31m, b"; /],
  [{ Listeners: {} }, /^2 \$\.Listeners should be a list, not an object$/],
];

for (const [value, message] of values) {
  t.test(JSON.stringify(value).slice(0, 60), async t => t.match(told(value)[0], message));
}

t.test('other objects of Kubernetes and Services of others are nothing to speak of', async t => {
  t.strictSame(told({ apiVersion: 'apps/v1', kind: 'Deployment' }), []);
  t.strictSame(told('apiVersion: serving.knative.dev/v1\nkind: Service\n'), []);
});
