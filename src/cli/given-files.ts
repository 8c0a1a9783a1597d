/** The files on the command lines of `usher check aws` and `usher import aws`, and whose they are. */
import type { Assignment } from '../aws/read/read-estate.js';
import { UsageError } from './probe-usage.js';
import { type Inputs, readInputs } from './read-inputs.js';

/** Whose a file is, `ARN=FILE` or `NAME=FILE`, as commander hands it over. */
export interface OwnerOptions {
  readonly targetGroup?: readonly string[] | undefined;
  readonly listener?: readonly string[] | undefined;
  readonly loadBalancer?: readonly string[] | undefined;
}

export interface Given {
  readonly assignments: readonly Assignment[];
  readonly input: Inputs;
  /** Standard input is read because no file was named. */
  readonly unnamed: boolean;
}

export type Verb = 'check' | 'import';

/**
 * Reads what is named, or standard input where nothing is. Throws UsageError, also where that is a terminal or
 * empty.
 *
 * @param leaveOut a file that is passed over where a directory holds it
 */
export async function readGiven(
  verb: Verb,
  words: readonly string[],
  options: OwnerOptions,
  stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean | undefined },
  leaveOut: string | undefined,
): Promise<Given> {
  const assignments = readAssignments(options);
  const names = [...words, ...assignments.map(({ file }) => file)];
  const unnamed = names.length === 0;
  if (unnamed && stdin.isTTY === true) throw new UsageError(whatToGive(verb));
  const input = await readInputs(unnamed ? ['-'] : names, stdin, leaveOut);
  if (unnamed && input.files[0]?.bytes.length === 0) throw new UsageError(whatToGive(verb));
  return { assignments, unnamed, input };
}

/** Which files there are to save. */
function whatToGive(verb: Verb): string {
  return (
    `no file to ${verb}: save what aws elb describe-load-balancers and describe-load-balancer-policies say, or aws elbv2 ` +
    'describe-load-balancers, describe-listeners, describe-target-groups and describe-target-group-attributes, aws ecs ' +
    `describe-task-definition or kubectl get service -o json, and write usher ${verb} aws FILE…, or pipe it in`
  );
}

/** Whose each file is that was given with its owner. Throws UsageError. */
export function readAssignments({ targetGroup, listener, loadBalancer }: OwnerOptions): Assignment[] {
  return [
    ...(targetGroup ?? []).map(word => readAssignment('--target-group', 'ARN', word)),
    ...(listener ?? []).map(word => readAssignment('--listener', 'ARN', word)),
    ...(loadBalancer ?? []).map(word => readAssignment('--load-balancer', 'NAME', word)),
  ];
}

function readAssignment(option: string, owner: string, word: string): Assignment {
  const at = word.indexOf('=');
  const [of, file] = [word.slice(0, at), word.slice(at + 1)];
  if (at > 0 && file !== '') return { of, file };
  throw new UsageError(`${option} ${word}: write ${owner}=FILE, the file being what AWS says of it`);
}
