/** A report for a person at a terminal. */

import { plain, plainLines } from '../../plain.js';
import { drawFlows } from '../draw.js';
import { type Finding, SEVERITIES, type Severity } from '../finding.js';
import { shellWord } from '../shell.js';
import { counted } from '../words.js';
import { boundFindings, boundPlaces, boundThings } from './bound.js';
import { closingWords } from './counts.js';
import { fileWords, placeWords } from './place-words.js';
import { ofSeverity, type Report } from './report.js';
import { hang, wrap } from './wrap.js';

/** What the terminal can do. */
export interface Look {
  /** Columns. */
  readonly width: number;
  readonly colour: boolean;
  /** Only characters of ASCII in the drawing. */
  readonly ascii: boolean;
}

/** SGR parameters (ECMA-48 8.3.117). */
const STYLES: Readonly<Record<Severity | 'faint', string>> = {
  error: '1;31',
  warning: '1;33',
  note: '1;36',
  faint: '2',
};

type Paint = (style: keyof typeof STYLES, text: string) => string;

/** The drawing, every finding, what is not known, and what it comes to; with a line feed at the end. */
export function reportTable(report: Report, look: Look): string {
  const paint: Paint = (style, text) => (look.colour ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text);
  const { shown, left } = boundFindings(SEVERITIES.flatMap(severity => ofSeverity(report, severity)));
  const sections = [
    drawFlows(report.flows, report.sidecar, look),
    ...shown.map(finding => findingLines(finding, report, look, paint)),
    left,
    problemLines(report, look, paint),
    gapLines(report, look, paint),
    closingLines(report, look),
  ];
  return `${sections
    .filter(lines => lines.length > 0)
    .map(lines => lines.map(inert).join('\n'))
    .join('\n\n')}\n`;
}

/** In a log of GitHub Actions a line is a command that begins so, whoever wrote it. */
function inert(line: string): string {
  return line.replace(/^(\s*):(?=:.*::)/, '$1\\x3a');
}

function findingLines(finding: Finding, { sources }: Report, { width }: Look, paint: Paint): string[] {
  const { rule, severity, message, consequence, places, cure, commands } = finding;
  const { shown, left } = boundPlaces(places);
  const text = (heading: string, words: string) => hang(`  ${heading.padEnd(HEADINGS)}`, plain(words), width);
  return [
    `${paint(severity, severity)} ${plain(rule)}`,
    ...wrap(plain(message), width - 2).map(line => `  ${line}`),
    ...text('so', consequence),
    ...[...shown.map(place => placeWords(place, sources)), ...left].map((words, index) =>
      paint('faint', `  ${(index === 0 ? 'at' : '').padEnd(HEADINGS)}${words}`),
    ),
    ...text('do', cure),
    ...commands.flatMap(command => plainLines(command).map(line => `  ${' '.repeat(HEADINGS)}${line}`)),
    paint('faint', `  ${'more'.padEnd(HEADINGS)}usher explain ${plain(rule)}`),
  ];
}

/** Width of the headings of a finding. */
const HEADINGS = 6;

function problemLines({ problems }: Report, { width }: Look, paint: Paint): string[] {
  const { shown, left } = boundThings(problems, 'problem', 'problems');
  const lines = shown.flatMap(({ file, line, message }) => {
    const [first = '', ...rest] = hang('  ', plain(message), width);
    const where = `${plain(fileWords(file))}${line === 0 ? '' : `:${line}`}`;
    return [`${paint('error', 'not understood')} ${where}`, first, ...rest];
  });
  return [...lines, ...left];
}

function gapLines({ gaps, sources }: Report, { width }: Look, paint: Paint): string[] {
  const { shown, left } = boundThings(gaps, 'thing not known', 'things not known');
  const lines = shown.flatMap(({ message, at }) => [
    `${paint('warning', 'not known')} ${placeWords(at, sources)}`,
    ...hang('  ', plain(message), width),
  ]);
  return [...lines, ...left];
}

function closingLines(report: Report, { width }: Look): string[] {
  return [closingWords(report), ...configWords(report)].flatMap(words => wrap(words, width));
}

/** Why usher's side was left out, when it was, and what else there is to say of it. */
function configWords({ sidecar, config, ownWarnings }: Report): string[] {
  if (config === undefined) return ['AWS alone was looked at: with --config usher.yaml it is compared with usher'];
  const own = counted(ownWarnings, 'warning');
  return [
    ...(sidecar === undefined ? [`${plain(config)} cannot be used, so AWS alone was looked at`] : []),
    ...(ownWarnings === 0 ? [] : [`${plain(config)} has ${own} of its own: usher check ${plain(shellWord(config))}`]),
  ];
}
