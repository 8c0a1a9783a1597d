/** The comment at the top of the imported file: where it comes from, what is open, what comes next. */
import type { Estate } from '../estate.js';
import type { Flow } from '../flow.js';
import { groupOf } from '../look-up.js';
import { command, shellWord } from '../shell.js';
import { listed } from '../words.js';
import { balancersOf, balancerWords } from './doors.js';
import { shown } from './entry.js';
import type { Sheet } from './sheet.js';

const MOST = 30;

export interface HeadWords {
  readonly sources: readonly string[];
  readonly leftOut: readonly string[];
  /** Those that the listeners come from. */
  readonly balancers: readonly string[];
  readonly gaps: readonly string[];
  readonly questions: number;
  /** Words of the command line that name the files, as they were given. */
  readonly words: readonly string[];
  /** What the new file is called. */
  readonly file: string;
}

/** The top of the file, on a sheet of its own. */
export function writeHead(
  sheet: Sheet,
  { sources, leftOut, gaps, questions, words, file, balancers }: HeadWords,
): void {
  sheet.comment(0, 'Made by usher import aws from');
  items(sheet, sources);
  if (balancers.length > 1) {
    const all = `These listeners are of ${balancers.length} balancers.`;
    sheet.comment(
      0,
      `${all} Take those away that have nothing to do with this usher, or give the files of its own only.`,
    );
  }
  if (questions > 0) {
    const marked =
      questions === 1
        ? 'One thing is not in these files: it is'
        : `${questions} things are not in these files: each is`;
    sheet.comment(0, `${marked} marked QUESTION. Change the value below it, and delete the comment.`);
  }
  sheet.comment(0, 'Then:');
  sheet.command(0, command`usher check ${file}`);
  sheet.command(0, `usher check aws ${words.map(shellWord).join(' ')} ${command`--config ${file}`}`);
  if (leftOut.length > 0) sheet.comment(0, 'Left out:');
  items(sheet, leftOut);
  if (gaps.length > 0) sheet.comment(0, 'Not known:');
  items(sheet, gaps);
  sheet.line(0);
}

function items(sheet: Sheet, all: readonly string[]): void {
  for (const item of all.slice(0, MOST)) sheet.comment(0, `- ${item}`, '  ');
  if (all.length > MOST) sheet.comment(0, `- and ${all.length - MOST} more`);
}

/** `clb.json: Classic Load Balancer chat`, one for each file. */
export function sourcesOf(estate: Estate, flows: readonly Flow[]): readonly string[] {
  const found = new Map<string, Set<string>>();
  const add = (file: string, words: string) => found.set(file, (found.get(file) ?? new Set()).add(words));
  for (const flow of flows) {
    for (const { at } of flow.kind === 'nlb' ? balancersOf(estate, flow) : []) add(at.file, balancerWords(flow));
    add(
      flow.at.file,
      `${flow.kind === 'nlb' && flow.frontPort !== undefined ? 'listeners of ' : ''}${balancerWords(flow)}`,
    );
  }
  for (const group of new Set(flows.map(flow => groupOf(estate, flow)))) {
    if (group === undefined) continue;
    add(group.at.file, `target group ${shown(group.name)}`);
    const [attribute] = group.attributes?.values() ?? [];
    if (attribute !== undefined) add(attribute.at.file, `attributes of target group ${shown(group.name)}`);
  }
  for (const { at, family } of estate.tasks) add(at.file, `task definition ${shown(family)}`);
  return [...found].map(([file, words]) => `${file === '-' ? 'standard input' : shown(file)}: ${listed([...words])}`);
}

/** Every file that the estate names, in the order in which it has them. */
export function filesOf({ classics, networks, listeners, targetGroups, tasks, services }: Estate): readonly string[] {
  const ofClassics = classics.flatMap(({ policies = [], idleTimeout }) => [
    ...policies,
    ...(idleTimeout === undefined ? [] : [idleTimeout]),
  ]);
  const attributes = [...listeners, ...targetGroups].flatMap(({ attributes }) => [...(attributes?.values() ?? [])]);
  const all = [...classics, ...ofClassics, ...networks, ...listeners, ...targetGroups, ...attributes, ...tasks];
  return [...new Set([...all, ...services].map(({ at }) => at.file))];
}
