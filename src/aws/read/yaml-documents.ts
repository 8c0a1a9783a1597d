/** YAML: manifests of Kubernetes, and what `aws --output yaml` prints. */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type ParsedNode,
  parseAllDocuments,
  YAMLParseError,
} from 'yaml';
import type { Steps } from '../place.js';
import { type Parsed, type ParseFault, unparsed } from './parsed.js';
import { cut } from './shown.js';
import { positionAt, type Source } from './sources.js';

const MAX_YAML = 1024 * 1024;
const MAX_ALIASES = 100;

/**
 * Both options are for large files of strangers: with pretty errors each error copies its line, and the search for keys that
 * are written twice compares each with each. Of such keys the last one counts, as in JSON.
 */
const OPTIONS = { logLevel: 'silent', prettyErrors: false, uniqueKeys: false } as const;

/** The documents of a YAML stream, up to the first that is none. */
export function parseYaml(text: string): Parsed {
  if (text.length > MAX_YAML) return unparsed(text, `has more than ${MAX_YAML} characters of YAML: give it as JSON`);
  try {
    return parse(text);
  } catch (error) {
    return unparsed(text, `is not valid YAML: ${reason(error)}`);
  }
}

function parse(text: string): Parsed {
  const answer = parseAllDocuments(text, OPTIONS);
  const trees: readonly Document<ParsedNode>[] = Array.isArray(answer) ? answer : [];
  const documents: unknown[] = [];
  const done = (fault?: ParseFault) => ({
    documents,
    source: yamlSource(text, trees.slice(0, documents.length)),
    fault,
  });
  for (const tree of trees) {
    const [error] = tree.errors;
    if (error !== undefined) return done(told(text, error, documents.length));
    documents.push(tree.toJS({ maxAliasCount: MAX_ALIASES }) ?? undefined);
  }
  return documents.every(value => value === undefined) ? unparsed(text, 'holds no document') : done();
}

function told(text: string, error: YAMLParseError, document: number): ParseFault {
  const { line, column } = positionAt(text, error.pos[0]);
  return { document, line, message: `is not valid YAML at column ${column}: ${reason(error)}` };
}

/** What the parser says, on one line. */
function reason(error: unknown): string {
  if (error instanceof RangeError) return TOO_DEEP;
  if (!(error instanceof Error)) return 'the parser gave up';
  if (error instanceof YAMLParseError && error.code === 'RESOURCE_EXHAUSTION') return TOO_DEEP;
  return cut(error.message.replace(/\s+/g, ' '));
}

const TOO_DEEP = 'it is nested too deeply';

function yamlSource(text: string, trees: readonly Document<ParsedNode>[]): Source {
  return {
    text,
    offsetOf(document, steps) {
      const tree = trees[document];
      return tree && offsetIn(tree, steps);
    },
  };
}

function offsetIn(tree: Document<ParsedNode>, steps: Steps): number | undefined {
  let node: unknown = tree.contents;
  for (const step of steps) node = child(resolved(tree, node), step);
  return isNode(node) ? node.range?.[0] : undefined;
}

function child(node: unknown, step: string | number): unknown {
  if (isSeq(node) && typeof step === 'number') return node.items[step];
  if (!isMap(node)) return undefined;
  const pair = node.items.findLast(item => isScalar(item.key) && String(item.key.value) === step);
  return pair?.value ?? pair?.key;
}

function resolved(tree: Document<ParsedNode>, node: unknown): unknown {
  return isAlias(node) ? node.resolve(tree) : node;
}
