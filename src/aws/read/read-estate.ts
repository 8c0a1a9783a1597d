/** From the bytes of files to an {@link Estate}: what AWS and Kubernetes have been told. */
import type { Estate } from '../estate.js';
import { checkAssignments } from './check-assignments.js';
import { Complaints } from './complaints.js';
import { decodeText } from './decode-text.js';
import { Elements } from './elements.js';
import { Gathered } from './gather.js';
import type { Assignment, InputFile, InputProblem } from './input.js';
import { parseFile } from './parse-file.js';
import { putTogether } from './put-together.js';
import { type Source, Sources } from './sources.js';

export type { Assignment, InputFile, InputProblem } from './input.js';
export { Sources } from './sources.js';

export interface Reading {
  readonly estate: Estate;
  readonly problems: readonly InputProblem[];
  readonly sources: Sources;
}

/** Pure, and never throws: what cannot be read is among the problems, and the rest is in the estate. */
export function readEstate(files: readonly InputFile[], assignments: readonly Assignment[] = []): Reading {
  const complaints = new Complaints();
  const gathered = new Gathered(new Elements((at, message) => complaints.at(at, message)));
  const texts = new Map<string, Source>();
  for (const file of files) {
    const source = texts.has(file.name) ? undefined : readFile(file, gathered, complaints);
    if (source !== undefined) texts.set(file.name, source);
  }
  const sources = new Sources(texts);
  const names = files.map(({ name }) => name);
  checkAssignments(assignments, names, gathered, complaints);
  const estate = putTogether(gathered, assignments);
  return { estate, problems: complaints.problems(place => sources.lineOf(place)), sources };
}

/** A file that is named twice is read once. */
function readFile({ name, bytes }: InputFile, gathered: Gathered, complaints: Complaints): Source | undefined {
  const { text, problem } = decodeText(bytes);
  if (problem !== undefined) {
    complaints.of(name, problem);
    return undefined;
  }
  const { documents, source, fault } = parseFile(text);
  for (const [document, value] of documents.entries()) {
    if (value !== undefined) gathered.document(value, { kind: 'document', file: name, document, steps: [] });
  }
  if (fault !== undefined) complaints.of(name, fault.message, fault.document, fault.line);
  return source;
}
