/** A report as Markdown, with its chart beside it. */
import type { WorkloadResult } from '../run.js';
import { sentenceOf } from '../verdict.js';
import type { Report } from './report.js';
import { rowsOf } from './rows.js';
import { padded } from './table.js';

/** @param chart the chart's file name, in the same directory */
export function markdownOf({ date, machine, versions, settings, results, verdicts }: Report, chart: string): string {
  const of = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `# Benchmark of ${date.slice(0, 10)}

${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}; ${of.join(', ')}.
${settings.rounds} rounds of ${settings.seconds} s: medians, in brackets the range. What is measured and how:
[bench/README.md](../README.md).

![CPU time of each proxy per unit of work, relative to the better of HAProxy and nginx](${chart})

## Floors and goals

${verdicts.map(verdict => `- ${sentenceOf(verdict)}\n`).join('')}
${results.map(section).join('\n')}`;
}

function section(result: WorkloadResult): string {
  const [head = [], ...rows] = padded(rowsOf(result));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const rule = head.map(({ length }, column) => (column === 0 ? '-'.repeat(length) : `${'-'.repeat(length - 1)}:`));
  return `## ${result.workload.name}

${result.workload.title}

${[head, rule, ...rows].map(line).join('')}`;
}
