/** Tells of assignments that come to nothing. */

import type { At } from '../place.js';
import { called, sameFile } from './assign.js';
import { type Candidate, classicCandidates, listenerCandidates, targetGroupCandidates } from './candidates.js';
import type { Complaints } from './complaints.js';
import type { Gathered } from './gather.js';
import type { Assignment } from './input.js';
import { quoted } from './shown.js';

interface Sort {
  /** The keys of the things that are called so. */
  keys(name: string): readonly string[];
  /** Files with documents that can be of such a thing. */
  readonly files: readonly string[];
}

/** An assignment has to name one of the files, and one thing that a document there can be of. */
export function checkAssignments(
  assignments: readonly Assignment[],
  files: readonly string[],
  gathered: Gathered,
  complaints: Complaints,
): void {
  const sorts = sortsOf(gathered);
  for (const assignment of assignments) {
    const message = faultOf(assignment, files, sorts);
    if (message !== undefined) complaints.of(assignment.file, message);
  }
}

function faultOf({ of, file }: Assignment, files: readonly string[], sorts: readonly Sort[]): string | undefined {
  if (!files.some(name => sameFile(name, file))) return `is said to be of ${quoted(of)}, and is not among the files`;
  const matching = sorts.filter(sort => sort.keys(of).length > 0);
  if (matching.length === 0) return `is said to be of ${quoted(of)}, and no file describes such a thing`;
  const holding = matching.filter(sort => sort.files.some(name => sameFile(name, file)));
  if (holding.length === 0) return `is said to be of ${quoted(of)}, and holds nothing that can be of it`;
  return holding.some(sort => sort.keys(of).length === 1)
    ? undefined
    : `is said to be of ${quoted(of)}, and there are several of this name: give the ARN`;
}

function sortsOf(gathered: Gathered): Sort[] {
  const { policies, classicAttributes, listenerAttributes, targetGroupAttributes, targets } = gathered;
  return [
    sort(classicCandidates(gathered.classics), [...policies, ...classicAttributes]),
    sort(listenerCandidates(gathered.listeners), listenerAttributes),
    sort(targetGroupCandidates(gathered.targetGroups), [...targetGroupAttributes, ...targets]),
  ];
}

function sort(candidates: readonly Candidate[], documents: readonly At[]): Sort {
  return { keys: name => called(candidates, name), files: documents.map(({ at }) => at.file) };
}
