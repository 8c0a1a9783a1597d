/** A report as JSON. */
import type { SubjectResult, WorkloadResult } from '../run.js';
import type { Verdict } from '../verdict.js';
import type { Report } from './report.js';

export function jsonOf({ results, verdicts, ...rest }: Report): string {
  const plain = { ...rest, results: results.map(plainResult), verdicts: verdicts.map(plainVerdict) };
  const text = JSON.stringify(plain, (_, value: unknown) => (typeof value === 'number' ? rounded(value) : value), 2);
  // Rounds on one line, as the formatter of this repository wants it.
  return `${text.replace(/\[\s+([^[\]{}]*?)\s+\]/g, (_, items: string) => `[${items.replace(/\s+/g, ' ')}]`)}\n`;
}

function plainResult({ workload, subjects }: WorkloadResult): object {
  const { name, title, unit, headline } = workload;
  const plain: Readonly<Record<string, SubjectResult>> = Object.fromEntries(subjects);
  return { workload: name, title, unit, headline, subjects: plain };
}

function plainVerdict({ floor, ...rest }: Verdict): object {
  return { ...floor, ...rest };
}

function rounded(value: number): number {
  return Number(value.toFixed(4));
}
