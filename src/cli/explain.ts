/** `usher explain`: what a rule of `usher check` and `usher check aws` is about. */

import type { RuleText } from '../aws/report/report.js';
import { hang, wrap, wrapStory } from '../aws/report/wrap.js';
import { RULES } from '../aws/rules/all.js';
import { editDistance } from '../control/config/nearest.js';
import { plainLines } from '../plain.js';
import { CONFIG_STORIES } from './config-stories.js';
import { EXIT } from './exit-codes.js';
import { printableLine } from './printable.js';

/** Where it writes; the streams of a process fit. */
export interface ExplainIo {
  readonly stdout: { write(text: string): unknown; readonly columns?: number | undefined };
  readonly stderr: { write(text: string): unknown };
}

interface Shelf {
  readonly heading: string;
  readonly rules: readonly RuleText[];
}

const WIDTH = 100;
/** Longer lines of prose are hard to read. */
const WIDEST = 100;
const NARROWEST = 40;
const CONFIG_HEADING = "usher's configuration";

/** By the first word of an id, in the order of the list. */
const HEADINGS: Readonly<Record<string, string>> = {
  clb: 'Classic Load Balancer',
  nlb: 'Network Load Balancer',
  header: 'PROXY header',
  trusted: 'PROXY header',
  forwarded: 'PROXY header',
  port: 'ports',
  health: 'health checks',
  ecs: 'ECS',
  kubernetes: 'Kubernetes',
};

/**
 * The page of one rule, or, without an id, a list of all.
 * @returns the exit code: 0; 64 for a rule that is not known, with the nearest ones on stderr
 */
export function explain(
  id: string | undefined,
  { stdout, stderr }: ExplainIo,
  aws: readonly RuleText[] = RULES,
): number {
  const width = Math.min(Math.max(stdout.columns ?? WIDTH, NARROWEST), WIDEST);
  const rules = [...aws, ...CONFIG_STORIES];
  if (id === undefined) {
    stdout.write(`${list(shelves(aws), width).join('\n')}\n`);
    return EXIT.fine;
  }
  const pages = rules.filter(rule => rule.id === id.toLowerCase()).map(rule => page(rule, width).join('\n'));
  if (pages.length > 0) {
    stdout.write(`${pages.join('\n\n')}\n`);
    return EXIT.fine;
  }
  const near = nearestIds(id, rules);
  const hint = near.length === 0 ? '' : `did you mean ${near.join(' or ')}? `;
  stderr.write(
    `usher explain: no rule is named ${id === '' ? '""' : printableLine(id.slice(0, LONGEST))}; ${hint}usher explain lists all\n`,
  );
  return EXIT.wrongUsage;
}

function page({ id, severity, title, story }: RuleText, width: number): string[] {
  return [...wrap(`${id} (${severity}): ${title}`, width), '', ...plainLines(wrapStory(story, width).join('\n'))];
}

function shelves(aws: readonly RuleText[]): Shelf[] {
  const headings = new Set([...Object.values(HEADINGS), ...aws.map(headingOf)]);
  return [
    ...[...headings].map(heading => ({ heading, rules: aws.filter(rule => headingOf(rule) === heading) })),
    { heading: CONFIG_HEADING, rules: CONFIG_STORIES },
  ].filter(({ rules }) => rules.length > 0);
}

function headingOf({ id }: RuleText): string {
  const word = id.split('-', 1)[0] ?? id;
  return HEADINGS[word] ?? word;
}

function list(shelves: readonly Shelf[], width: number): string[] {
  const longest = Math.max(...shelves.flatMap(({ rules }) => rules.map(({ id }) => id.length)));
  const lines = shelves.map(({ heading, rules }) => [
    heading,
    ...rules.flatMap(({ id, severity, title }) =>
      hang(`  ${id.padEnd(longest)}  ${severity.padEnd('warning'.length)}  `, title, width),
    ),
    '',
  ]);
  return [...lines.flat(), 'usher explain RULE tells the story of one'];
}

/** Longer words are not compared: nobody mistypes them. */
const LONGEST = 64;
const MOST = 3;

/** The ids nearest to a word, at most three: mistyped ones, and those that have it in them. */
function nearestIds(word: string, rules: readonly RuleText[]): string[] {
  if (word === '' || word.length > LONGEST) return [];
  const lower = word.toLowerCase();
  const far = Math.max(1, Math.floor(word.length / 3));
  return rules
    .map(({ id }) => ({ id, distance: id.includes(lower) ? 0 : editDistance(lower, id) }))
    .filter(({ distance }) => distance <= far)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MOST)
    .map(({ id }) => id);
}
