/** What a check came to, before it is written for somebody. */
import type { Estate, Gap } from '../estate.js';
import type { Finding, Rule, Severity } from '../finding.js';
import type { Flow } from '../flow.js';
import type { DocumentPlace } from '../place.js';
import type { InputProblem } from '../read/input.js';
import type { Sidecar } from '../sidecar.js';

/** What a person can read about a rule. */
export type RuleText = Pick<Rule, 'id' | 'severity' | 'title' | 'story'>;

/** Where a place is in its file; lines and columns count from 1, columns in UTF-16 units. */
export interface LineFinder {
  lineOf(place: DocumentPlace): { readonly line: number; readonly column: number } | undefined;
}

export interface Report {
  readonly findings: readonly Finding[];
  readonly gaps: readonly Gap[];
  readonly problems: readonly InputProblem[];
  readonly flows: readonly Flow[];
  readonly estate: Estate;
  /** Undefined: no configuration was given, or it could not be used. */
  readonly sidecar: Sidecar | undefined;
  /** The configuration as it was named; undefined: none was. */
  readonly config: string | undefined;
  /** How many warnings it has by itself, which are not among the findings. */
  readonly ownWarnings: number;
  readonly sources: LineFinder;
  /** Everything that was read, the configuration too, as it was named. */
  readonly files: readonly string[];
  /** How many rules were asked. */
  readonly asked: number;
  /** Texts of the rules, those of the configuration that found something too. */
  readonly rules: readonly RuleText[];
}

/** Findings of one severity, in the order in which they came. */
export function ofSeverity({ findings }: Report, severity: Severity): readonly Finding[] {
  return findings.filter(finding => finding.severity === severity);
}
