/**
 * YAML or JSON text → a tree of plain values with their places (JSON is YAML here: one parser, one behaviour).
 * Bounded before and while it is read: bytes, tokens, nesting, and values after aliases are followed.
 */
import {
  CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { formatPath, type Path, type Place, type Problem, problemAt, show } from './problem.js';
import type { Tree } from './tree.js';

/** Bytes of a configuration file. */
export const MAX_BYTES = 1024 ** 2;
/** Tokens: the parser takes about 5 µs for each, and more when they are wrong. */
const MAX_TOKENS = 200_000;
/** The parser recurses; a few thousand levels would end the process. The schema itself is 5 levels deep. */
const MAX_DEPTH = 32;
/** Columns of indentation: each may be a level. */
const MAX_INDENT = 256;
/** Values after aliases are followed. */
const MAX_VALUES = 100_000;
/** Syntax errors told: the later ones follow from the first. */
const MAX_SYNTAX_ERRORS = 10;

export interface TreeResult {
  /** Undefined when the text is not YAML. */
  readonly tree: Tree | undefined;
  readonly problems: readonly Problem[];
}

/** Reads a text; problems are `yaml-syntax`, `duplicate-key`, `invalid-key`, `too-large` and `too-deep`. Never throws. */
export function readTree(text: string, file: string): TreeResult {
  const source = text.replace(/^\uFEFF/, '');
  const lines = new LineCounter();
  const placeAt = (offset: number, path = ''): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), path };
  };
  const start: Place = { file, line: 1, column: 1, path: '' };
  const bound = boundProblem(source, start);
  if (bound !== undefined) return { tree: undefined, problems: [bound] };

  const document = parseDocument(source, {
    lineCounter: lines,
    prettyErrors: false,
    version: '1.2',
    schema: 'core',
    resolveKnownTags: false,
    uniqueKeys: false,
  });
  const errors = [...document.errors, ...document.warnings].slice(0, MAX_SYNTAX_ERRORS);
  if (errors.length > 0) {
    const problems = errors.map(error => problemAt(placeAt(error.pos[0]), 'yaml-syntax', syntaxWords(error.message)));
    return { tree: undefined, problems };
  }
  const reader = new TreeReader(placeAt);
  const { contents } = document;
  const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
  const tree = isEmpty ? emptyTree(start) : reader.read(contents, start, []);
  return { tree: reader.overflowed ? undefined : tree, problems: reader.problems };
}

/** An empty document is an empty mapping. */
function emptyTree(place: Place): Tree {
  return { kind: 'map', place, entries: new Map() };
}

/** What the parser says of the usual slips, and what to do about them. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [/^Tabs are not allowed/, 'tabs are not allowed as indentation: use spaces'],
  [/^Source contains multiple documents/, 'a second document begins here: keep one of them, without the line ---'],
  [/^Unexpected scalar at node end/, 'there is more behind the value: quote it as a whole, as in "[::1]:8080"'],
  [/^Implicit keys need to be on a single line/, 'a key goes on in the next line: does it lack its colon?'],
];

function syntaxWords(message: string): string {
  const remedy = remedies.find(([pattern]) => pattern.test(message));
  if (remedy !== undefined) return `this is not valid YAML: ${remedy[1]}`;
  const words = message.length > 200 ? `${message.slice(0, 200)}…` : message;
  return `this is not valid YAML: ${words.replace(/\s+/g, ' ')}`;
}

/** What may open one value inside another on one line, outside of brackets. */
const OPENS_IN_LINE: ReadonlySet<string> = new Set(['seq-item-ind', 'explicit-key-ind', 'map-value-ind']);

/** What is too much for the parser, found by its lexer, which neither recurses nor allocates. */
function boundProblem(source: string, start: Place): Problem | undefined {
  if (Buffer.byteLength(source) > MAX_BYTES)
    return problemAt(start, 'too-large', `the file is larger than ${MAX_BYTES / 1024 ** 2} MiB: make it smaller`);
  let tokens = 0;
  let flowDepth = 0;
  let lineDepth = 0;
  let line = 1;
  for (const token of new Lexer().lex(source)) {
    tokens += 1;
    const type = CST.tokenType(token);
    if (type === 'newline') line += 1;
    if (type === 'newline' && flowDepth === 0) lineDepth = 0;
    if (type === 'flow-seq-start' || type === 'flow-map-start') flowDepth += 1;
    if (type === 'flow-seq-end' || type === 'flow-map-end') flowDepth = Math.max(0, flowDepth - 1);
    if (flowDepth === 0 && OPENS_IN_LINE.has(type ?? '')) lineDepth += 1;
    if (tokens > MAX_TOKENS) return problemAt(start, 'too-large', 'the file holds too many values: make it smaller');
    const indented = type === 'space' && flowDepth === 0 && token.length > MAX_INDENT;
    if (flowDepth > MAX_DEPTH || (flowDepth === 0 && lineDepth > MAX_DEPTH) || indented)
      return problemAt({ ...start, line }, 'too-deep', 'values are nested too deeply here: no key needs that');
  }
  return undefined;
}

class TreeReader {
  readonly problems: Problem[] = [];
  readonly #placeAt: (offset: number, path: string) => Place;
  /** Anchors whose node was read completely, so that none can hold itself. */
  readonly #anchors = new Map<string, ParsedNode>();
  #values = 0;

  constructor(placeAt: (offset: number, path: string) => Place) {
    this.#placeAt = placeAt;
  }

  get overflowed(): boolean {
    return this.#values > MAX_VALUES;
  }

  /** The tree of one node; `place` is that of its key, or of itself in a list. */
  read(node: ParsedNode | null, place: Place, path: Path): Tree {
    if (!this.#mayGrow(place, path)) return { kind: 'leaf', place, value: null };
    const target = isAlias(node) ? this.#follow(node.source, place) : node;
    const tree = this.#readTarget(target ?? null, place, path);
    if (target !== null && target !== undefined && target === node && target.anchor !== undefined)
      this.#anchors.set(target.anchor, target);
    return tree;
  }

  #readTarget(node: ParsedNode | null, place: Place, path: Path): Tree {
    if (isMap(node)) return { kind: 'map', place, entries: this.#readEntries(node, path) };
    if (isSeq(node)) {
      const items = node.items.map((item, index) => {
        const step = [...path, index];
        const child = item as ParsedNode;
        return this.read(child, this.#placeAt(child.range[0], formatPath(step)), step);
      });
      return { kind: 'list', place, items };
    }
    return { kind: 'leaf', place, value: isScalar(node) ? node.value : null };
  }

  #readEntries(map: YAMLMap, path: Path): Map<string, Tree> {
    const entries = new Map<string, Tree>();
    const merged: Tree[] = [];
    for (const pair of map.items as YAMLMap<ParsedNode, ParsedNode | null>['items']) {
      const key = this.#readKey(pair.key, path);
      if (key === undefined) continue;
      const step = [...path, key.text];
      const place = this.#placeAt(key.offset, formatPath(step));
      if (key.text === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        merged.push(this.read(pair.value, place, path));
      } else if (entries.has(key.text)) {
        const first = entries.get(key.text)?.place.line ?? 0;
        const words = `this key was given in line ${first} already: keep one of the two`;
        this.problems.push(problemAt(place, 'duplicate-key', words));
      } else {
        entries.set(key.text, this.read(pair.value, place, step));
      }
    }
    for (const tree of merged) this.#merge(entries, tree);
    return entries;
  }

  /** `<<: *anchor`: keys of the map itself win, as in YAML 1.1. */
  #merge(entries: Map<string, Tree>, source: Tree): void {
    if (source.kind === 'leaf')
      this.problems.push(problemAt(source.place, 'invalid-key', '<< takes an alias of a mapping, such as *defaults'));
    if (source.kind === 'list') for (const item of source.items) this.#merge(entries, item);
    if (source.kind !== 'map') return;
    for (const [key, tree] of source.entries) if (!entries.has(key)) entries.set(key, tree);
  }

  #readKey(key: ParsedNode, path: Path): { text: string; offset: number } | undefined {
    const offset = key.range[0];
    const target = isAlias(key) ? this.#follow(key.source, this.#placeAt(offset, formatPath(path))) : key;
    if (target === undefined) return undefined;
    if (isScalar(target) && target.anchor !== undefined) this.#anchors.set(target.anchor, target);
    const text = isScalar(target) && typeof target.value !== 'object' ? String(target.value) : undefined;
    if (text !== undefined && text !== '__proto__') return { text, offset };
    const words = text === undefined ? 'a key must be plain text' : `${show(text)} cannot be a key: use another name`;
    this.problems.push(problemAt(this.#placeAt(offset, formatPath(path)), 'invalid-key', words));
    return undefined;
  }

  #follow(name: string, place: Place): ParsedNode | undefined {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      const words = `no anchor &${formatPath([name])} stands before this alias: define it earlier in the file`;
      this.problems.push(problemAt(place, 'yaml-syntax', words));
    }
    return target;
  }

  #mayGrow(place: Place, path: Path): boolean {
    this.#values += 1;
    if (this.#values <= MAX_VALUES && path.length <= MAX_DEPTH) return true;
    if (this.#values === MAX_VALUES + 1)
      this.problems.push(
        problemAt(place, 'too-large', 'the file holds too many values, aliases counted: make it smaller'),
      );
    return false;
  }
}
