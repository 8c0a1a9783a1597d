/** The things that a document may be of, and the words by which a file's name or an assignment tells which. */
import type { ClassicBalancer, NetworkListener, TargetGroup } from '../estate.js';

export interface Candidate {
  /** ARN or name: what tells it apart from the others of its sort. */
  readonly key: string;
  /** What an assignment may call it. */
  readonly names: readonly string[];
  /** What a file's name may hold, as {@link plain} has it. */
  readonly marks: readonly string[];
}

/** Small letters and digits, with one hyphen for all that stands between them. */
export function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
}

const COMMAND_WORDS =
  /^(?:(?:aws|elb|elbv2|describe|load|balancers?|listeners?|targets?|groups?|attributes?|attrs?|policies|policy|health)(?:-|$))+$/;

/** Whether a mark consists of words that a file may be named after anyway: `target-group-attributes.json`. */
export function isOfCommands(mark: string): boolean {
  return COMMAND_WORDS.test(mark);
}

/** Names of Classic Load Balancers are unique in a region. */
export function classicCandidates(classics: readonly ClassicBalancer[]): Candidate[] {
  return classics.map(({ name }) => ({ key: name, names: [name], marks: [plain(name)] }));
}

/** `arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID` */
export function targetGroupCandidates(groups: readonly TargetGroup[]): Candidate[] {
  return groups.map(({ arn, name }) => {
    const [, ...parts] = arn.split('/');
    return { key: arn, names: [arn, name], marks: marksOf(name, parts.join('/'), parts.at(-1), arn) };
  });
}

/** `arn:aws:elasticloadbalancing:REGION:ACCOUNT:listener/net/NAME/BALANCER/ID` */
export function listenerCandidates(listeners: readonly NetworkListener[]): Candidate[] {
  return listeners.map(({ arn, port }) => {
    const [, ...parts] = arn.split('/');
    const [, name = '', , id = ''] = parts;
    const [full, short, door] = [parts.join('/'), parts.slice(1).join('/'), `${name}:${port}`];
    return {
      key: arn,
      names: [arn, full, short, door],
      marks: marksOf(arn, full, short, id, door, name, String(port)),
    };
  });
}

function marksOf(...texts: readonly (string | undefined)[]): string[] {
  return [...new Set(texts.map(text => plain(text ?? '')))].filter(mark => mark !== '');
}
