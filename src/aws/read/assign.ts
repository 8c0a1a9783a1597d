/** Finds out whose the documents are that do not say so. */
import type { Gap } from '../estate.js';
import { shellWord } from '../shell.js';
import { type Candidate, isOfCommands, plain } from './candidates.js';
import type { Loose } from './gather.js';
import type { Assignment } from './input.js';
import { type Described, latest } from './twice.js';

/** Documents of one sort, and the things that they may be of. */
export interface Question<V> {
  readonly documents: readonly Loose<V>[];
  readonly candidates: readonly Candidate[];
  /** Whether a document can be of a thing at all. */
  readonly fits: (document: Loose<V>, key: string) => boolean;
  /** Whether what does not fit may be of a thing nevertheless, when the name of its file says so. */
  readonly nameCounts: boolean;
  /** Whether it looks as if it were of this thing: asked when more than one fits. */
  readonly likely: (document: Loose<V>, key: string) => boolean;
  readonly words: Words;
}

/** For sentences. */
export interface Words {
  /** `attributes`. */
  readonly what: string;
  /** `target group`. */
  readonly of: string;
  /** `--target-group ARN`. */
  readonly option: string;
  /** The command that describes the things. */
  readonly command: string;
}

export interface Answer<V> {
  /** By key. */
  readonly found: ReadonlyMap<string, Loose<V>>;
  readonly gaps: readonly Gap[];
}

interface Owned<V> {
  readonly document: Loose<V>;
  readonly keys: readonly string[];
}

/** A question, and what is looked up in it for every document. */
interface Desk<V> extends Question<V> {
  readonly keys: readonly string[];
  /** The documents of each file. */
  readonly byFile: ReadonlyMap<string, readonly Loose<V>[]>;
  /** How often it may still be compared which of the things a document fits: each with each is too much of large files. */
  left: number;
}

/** Of documents with things. */
const MOST_COMPARISONS = 2_000_000;

function deskOf<V>(question: Question<V>): Desk<V> {
  const byFile = new Map<string, Loose<V>[]>();
  for (const document of question.documents) {
    const siblings = byFile.get(document.at.file);
    if (siblings === undefined) byFile.set(document.at.file, [document]);
    else siblings.push(document);
  }
  return { ...question, keys: [...new Set(question.candidates.map(({ key }) => key))], byFile, left: MOST_COMPARISONS };
}

/**
 * In this order: an assignment, the document itself, the name of its file, the only thing that it fits. Guesses have to be
 * unambiguous.
 */
export function assign<V>(asked: Question<V>, assignments: readonly Assignment[]): Answer<V> {
  const question = deskOf(asked);
  const told = question.documents.map(document => ({ document, keys: toldOwners(question, document, assignments) }));
  const owned = guessed(question, told);
  const described: Described<Loose<V>>[] = owned.flatMap(({ document, keys }) =>
    keys.map(key => ({ key, at: document.at, value: document })),
  );
  const { things, gaps } = latest(described, `the ${question.words.what} of the ${question.words.of}`);
  const lost = owned.filter(({ keys }) => keys.length === 0);
  return { found: things, gaps: [...gaps, ...lost.map(({ document }) => unassigned(question, document))] };
}

/** The keys of the things that an assignment or a name calls so: one, when it is unambiguous. */
export function called(candidates: readonly Candidate[], name: string): string[] {
  return [...new Set(candidates.filter(({ names }) => names.includes(name)).map(({ key }) => key))];
}

/** `./a.json` is the same file as `a.json`. */
export function sameFile(one: string, other: string): boolean {
  return one.replace(/^(?:\.\/)+/, '') === other.replace(/^(?:\.\/)+/, '');
}

function toldOwners<V>(question: Desk<V>, document: Loose<V>, assignments: readonly Assignment[]): readonly string[] {
  const { candidates } = question;
  const siblings = siblingsOf(question, document);
  const keys = assignments
    .filter(({ file }) => sameFile(file, document.at.file))
    .flatMap(({ of }) => unambiguous(called(candidates, of)));
  if (keys.length > 0) return shareOf(keys, siblings.indexOf(document), siblings.length);
  if (document.name !== undefined) return called(candidates, document.name);
  return namedOwners(question, document).filter(key => question.nameCounts || question.fits(document, key));
}

function siblingsOf<V>({ byFile }: Desk<V>, { at }: Loose<V>): readonly Loose<V>[] {
  return byFile.get(at.file) ?? [];
}

/** A file's name tells of one document only. */
function namedOwners<V>(question: Desk<V>, document: Loose<V>): readonly string[] {
  return siblingsOf(question, document).length === 1 ? byFileName(question.candidates, document.at.file) : [];
}

/** One document is of all that the file is said to be of; of several, each is of the one at its place. */
function shareOf(keys: readonly string[], index: number, documents: number): string[] {
  if (documents === 1) return [...keys];
  return keys.length === documents ? keys.slice(index, index + 1) : [];
}

function unambiguous(keys: readonly string[]): readonly string[] {
  return keys.length === 1 ? keys : [];
}

/**
 * The thing with the longest mark that the name holds, if it is one and all other marks in the name are parts of that one:
 * `chat-web` is of neither `chat` nor `web`, but may be of `chat-web`. Marks that are words of the commands too, as those of a
 * target group named `target`, count only when there is no other.
 */
function byFileName(candidates: readonly Candidate[], file: string): readonly string[] {
  const name = plain(file.slice(file.lastIndexOf('/') + 1).replace(/\.(?:json|ya?ml|txt)$/i, ''));
  const held = candidates.flatMap(({ key, marks }) =>
    marks.filter(mark => `-${name}-`.includes(`-${mark}-`)).map(mark => ({ key, mark })),
  );
  const strong = held.filter(({ mark }) => !isOfCommands(mark));
  const counting = strong.length > 0 ? strong : held;
  const [longest] = [...counting].sort((a, b) => b.mark.length - a.mark.length);
  if (longest === undefined) return [];
  const whole = counting.filter(({ mark }) => mark === longest.mark).map(({ key }) => key);
  const isPart = (mark: string) => `-${longest.mark}-`.includes(`-${mark}-`);
  return counting.every(({ mark }) => isPart(mark)) ? unambiguous([...new Set(whole)]) : [];
}

/** A document that is left over, and not named after a thing, is of the only one that it fits if nothing else is of that. */
function guessed<V>(question: Desk<V>, told: readonly Owned<V>[]): readonly Owned<V>[] {
  const taken = new Set(told.flatMap(({ keys }) => keys));
  const guesses = new Map<Loose<V>, string>();
  for (const { document, keys } of told) {
    const isTold = keys.length > 0 || namedOwners(question, document).length > 0;
    const [key] = isTold ? [] : onlyFit(question, document);
    if (key !== undefined && !taken.has(key)) guesses.set(document, key);
  }
  const wanted = new Map<string, number>();
  for (const key of guesses.values()) wanted.set(key, (wanted.get(key) ?? 0) + 1);
  return told.map(owned => {
    const key = guesses.get(owned.document);
    return key !== undefined && wanted.get(key) === 1 ? { ...owned, keys: [key] } : owned;
  });
}

function onlyFit<V>(question: Desk<V>, document: Loose<V>): readonly string[] {
  question.left -= question.keys.length;
  if (question.left < 0) return [];
  const keys = question.keys.filter(key => question.fits(document, key));
  if (keys.length === 1) return keys;
  return unambiguous(keys.filter(key => question.likely(document, key)));
}

function unassigned<V>({ byFile, candidates, words }: Desk<V>, { at }: Loose<V>): Gap {
  const several = (byFile.get(at.file)?.length ?? 0) > 1;
  const message = candidates.length === 0 ? undescribed(words) : unsaid(words, at.file, several);
  return { kind: 'unassigned', at, message };
}

function undescribed({ of, what, command }: Words): string {
  return `no file describes the ${of} that these ${what} are of: add the output of ${command}`;
}

function unsaid({ of, what, option }: Words, file: string, several: boolean): string {
  const cure = several
    ? `save each output in a file of its own, and say it with ${option}=FILE`
    : `say it with ${option}=${shellWord(file)}`;
  return `nothing tells which ${of} these ${what} are of: ${cure}`;
}
