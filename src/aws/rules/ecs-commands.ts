/** Commands of `aws ecs` that the cures are made of. */
import { command } from '../shell.js';

/** What describe-task-definition prints and register-task-definition does not take. */
const READ_ONLY = ['taskDefinitionArn', 'revision', 'status', 'requiresAttributes', 'compatibilities'];
const REGISTERED = ['registeredAt', 'registeredBy'];
const FILE = 'task-definition.json';

/** What a cure adds to these commands. */
export const EDIT_NOTE = `edit ${FILE} between the first two commands`;

/** Takes the task definition as it is, registers it anew once a person has changed it, and lets the service use it. */
export function changeTask(family: string): readonly string[] {
  const fields = [...READ_ONLY, ...REGISTERED].map(field => `.${field}`).join(', ');
  const input = command`jq ${`del(${fields})`}`;
  return [
    `${command`aws ecs describe-task-definition --task-definition ${family}`} --query taskDefinition --output json | ${input} > ${FILE}`,
    `aws ecs register-task-definition --cli-input-json file://${FILE}`,
    `aws ecs update-service --cluster "\${CLUSTER:?}" --service "\${SERVICE:?}" ${command`--task-definition ${family}`}`,
  ];
}
