/** A report as workflow commands of GitHub Actions, which show findings at the lines of a change. */

import { plain, plainLines } from '../../plain.js';
import type { Severity } from '../finding.js';
import { boundFindings, boundPlaces, boundThings } from './bound.js';
import { closingWords } from './counts.js';
import { placeWords, type Spot, shortPath, spotOf, within } from './place-words.js';
import type { Report } from './report.js';
import { findingText } from './sarif.js';

const COMMANDS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', note: 'notice' };

/** One `::error file=…,line=…,col=…,title=RULE::message` for each finding, problem and gap, then the summary; see `fileUri` for `base`. */
export function reportGithub(report: Report, base: string): string {
  const { sources } = report;
  const findings = boundFindings(report.findings);
  const problems = boundThings(report.problems, 'problem', 'problems');
  const gaps = boundThings(report.gaps, 'thing not known', 'things not known');
  const annotation = (severity: Severity, spot: Spot, title: string, text: string) =>
    workflowCommand(severity, { ...spot, file: within(base, spot.file) }, title, text);
  const lines = [
    ...findings.shown.map(finding => {
      const [first, ...others] = finding.places;
      const { shown, left } = boundPlaces(others);
      const see = shown.map(place => `see ${placeWords(place, sources)}`);
      const text = [findingText(finding), ...see, ...left].join('\n');
      return annotation(finding.severity, spotOf(first, sources), finding.rule, text);
    }),
    ...problems.shown.map(({ file, line, message }) =>
      annotation('error', { file, line, column: 0, path: '' }, 'not understood', message),
    ),
    ...gaps.shown.map(({ message, at }) => annotation('note', spotOf(at, sources), 'not known', message)),
    ...[findings, problems, gaps].flatMap(({ left }) => left),
    closingWords(report),
  ];
  return `${lines.join('\n')}\n`;
}

function workflowCommand(severity: Severity, { file, line, column, path }: Spot, title: string, text: string): string {
  const properties = [
    ...(file === '-' ? [] : [`file=${property(file)}`]),
    ...(line === 0 ? [] : [`line=${line}`]),
    ...(line === 0 || column === 0 ? [] : [`col=${column}`]),
    `title=${property(title)}`,
  ];
  const message = path === '' ? text : `${text}\n(${shortPath(path)})`;
  return `::${COMMANDS[severity]} ${properties.join(',')}::${data(message)}`;
}

/** The escaping of workflow commands: the runner turns it back. */
function data(text: string): string {
  const escaped = plainLines(text).map(line => line.replaceAll('%', '%25'));
  return escaped.join('%0A');
}

function property(text: string): string {
  return plain(text).replaceAll('%', '%25').replaceAll(':', '%3A').replaceAll(',', '%2C');
}
