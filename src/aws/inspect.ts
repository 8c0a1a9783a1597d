/** Asks every rule. */
import type { Estate } from './estate.js';
import { type Finding, SEVERITIES } from './finding.js';
import type { Flow } from './flow.js';
import { flowsOf } from './flows.js';
import { RULES } from './rules/all.js';
import { narrowed } from './scope.js';
import type { Sidecar } from './sidecar.js';

/** All findings: errors first, then warnings, then notes; within each in the order of the rules. */
export function inspect(
  estate: Estate,
  sidecar: Sidecar | undefined,
  flows: readonly Flow[] = flowsOf(estate),
): Finding[] {
  const scene = narrowed({ estate, flows, sidecar });
  const findings = RULES.flatMap(rule => [...rule.check(scene)]);
  return SEVERITIES.flatMap(severity => findings.filter(finding => finding.severity === severity));
}
