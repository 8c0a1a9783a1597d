/** A report for a person at a terminal. */
import { drawFlows } from '../draw.js';
import type { Finding, Severity } from '../finding.js';
import { shellWord } from '../shell.js';
import { closingWords, counted } from './counts.js';
import { fileWords, placeWords } from './place-words.js';
import { plain, plainLines } from './plain.js';
import { ofSeverity, type Report, SEVERITIES } from './report.js';
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
  const findings = SEVERITIES.flatMap(severity => ofSeverity(report, severity));
  const sections = [
    drawFlows(report.flows, report.sidecar, look),
    ...findings.map(finding => findingLines(finding, report, look, paint)),
    problemLines(report, look, paint),
    gapLines(report, look, paint),
    closingLines(report, look),
  ];
  return `${sections
    .filter(lines => lines.length > 0)
    .map(lines => lines.join('\n'))
    .join('\n\n')}\n`;
}

function findingLines(finding: Finding, { sources }: Report, { width }: Look, paint: Paint): string[] {
  const { rule, severity, message, consequence, places, cure, commands } = finding;
  const text = (heading: string, words: string) => hang(`  ${heading.padEnd(HEADINGS)}`, plain(words), width);
  return [
    `${paint(severity, severity)} ${plain(rule)}`,
    ...wrap(plain(message), width - 2).map(line => `  ${line}`),
    ...text('so', consequence),
    ...places.map((place, index) =>
      paint('faint', `  ${(index === 0 ? 'at' : '').padEnd(HEADINGS)}${placeWords(place, sources)}`),
    ),
    ...text('do', cure),
    ...commands.flatMap(command => plainLines(command).map(line => `  ${' '.repeat(HEADINGS)}${line}`)),
    paint('faint', `  ${'more'.padEnd(HEADINGS)}usher explain ${plain(rule)}`),
  ];
}

/** Width of the headings of a finding. */
const HEADINGS = 6;

function problemLines({ problems }: Report, { width }: Look, paint: Paint): string[] {
  return problems.flatMap(({ file, line, message }) => {
    const [first = '', ...rest] = hang('  ', plain(message), width);
    const where = `${plain(fileWords(file))}${line === 0 ? '' : `:${line}`}`;
    return [`${paint('error', 'not understood')} ${where}`, first, ...rest];
  });
}

function gapLines({ gaps, sources }: Report, { width }: Look, paint: Paint): string[] {
  return gaps.flatMap(({ message, at }) => [
    `${paint('warning', 'not known')} ${placeWords(at, sources)}`,
    ...hang('  ', plain(message), width),
  ]);
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
