/** What was looked at and how much was found, in words. */

import { plain } from '../../plain.js';
import type { Estate } from '../estate.js';
import { SEVERITIES, type Severity } from '../finding.js';
import { counted, listed } from '../words.js';
import { fileWords } from './place-words.js';
import { ofSeverity, type Report } from './report.js';

/** How many findings there are of each severity. */
export function countsOf(report: Report): Readonly<Record<Severity, number>> {
  const [error = 0, warning = 0, note = 0] = SEVERITIES.map(severity => ofSeverity(report, severity).length);
  return { error, warning, note };
}

/** `2 errors, 1 warning, 0 notes in 5 files`, or that nothing was found and in what. */
export function closingWords(report: Report): string {
  const { error, warning, note } = countsOf(report);
  const files = `in ${counted(report.files.length, 'file')}`;
  const misread = new Set(report.problems.map(({ file, document }) => JSON.stringify([file, document]))).size;
  const but = misread === 0 ? '' : `; ${counted(misread, 'document')} not understood`;
  if (report.findings.length > 0 || report.problems.length > 0) {
    return `${counted(error, 'error')}, ${counted(warning, 'warning')}, ${counted(note, 'note')} ${files}${but}`;
  }
  const seen = estateWords(report.estate);
  if (seen.length === 0)
    return `nothing to check ${files}: no load balancer, no target group, no task definition, no Service`;
  const asked = `${counted(report.asked, 'rule')} asked`;
  if (report.sidecar === undefined) return `nothing found in ${listed(seen, Infinity)}; ${asked}`;
  return `${listed([...seen, plain(fileWords(report.config ?? "usher's configuration"))], Infinity)} fit together; ${asked}`;
}

/** `1 Classic Load Balancer with 2 listeners`, `2 target groups`. */
function estateWords(estate: Estate): string[] {
  const { classics, networks, listeners, targetGroups, tasks, services } = estate;
  const isNetwork = ({ type }: { readonly type: string }) => type === 'network';
  const fronts = classics.reduce((sum, classic) => sum + classic.listeners.length, 0);
  const known = networks.filter(isNetwork).length;
  const others = networks.length - known;
  const parts: (string | false)[] = [
    classics.length > 0 && `${counted(classics.length, 'Classic Load Balancer')} with ${counted(fronts, 'listener')}`,
    known > 0 && `${counted(known, 'Network Load Balancer')} with ${counted(listeners.length, 'listener')}`,
    known === 0 && listeners.length > 0 && counted(listeners.length, 'listener'),
    others > 0 && counted(others, 'load balancer of another type', 'load balancers of another type'),
    targetGroups.length > 0 && counted(targetGroups.length, 'target group'),
    tasks.length > 0 && counted(tasks.length, 'task definition'),
    services.length > 0 && counted(services.length, 'Kubernetes Service'),
  ];
  return parts.filter(part => part !== false);
}
