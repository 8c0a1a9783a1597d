/** The JSON Schema of the configuration, for editors and for the lookup of known keys. */
import { z } from 'zod';
import type { Path } from './problem.js';
import { configSchema } from './schema.js';

/** What is used here of a JSON Schema. */
export interface SchemaNode {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** Makes the JSON Schema (draft 7, which the YAML language server reads) of what may be written. */
export function configJsonSchema(): SchemaNode {
  return z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' }) as SchemaNode;
}

/** The text of `config/usher.schema.json`. */
export function configJsonSchemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}

let made: SchemaNode | undefined;

/** The keys that a mapping at this path may have. */
export function knownKeys(path: Path): readonly string[] {
  made ??= configJsonSchema();
  let nodes: readonly SchemaNode[] = [made];
  for (const step of path) nodes = nodes.flatMap(node => childrenOf(node, step));
  return nodes.flatMap(node => [node, ...(node.anyOf ?? [])]).flatMap(node => Object.keys(node.properties ?? {}));
}

function childrenOf(node: SchemaNode, step: string | number): readonly SchemaNode[] {
  if (node.anyOf !== undefined) return node.anyOf.flatMap(choice => childrenOf(choice, step));
  if (typeof step === 'number') return node.items === undefined ? [] : [node.items];
  const { properties = {}, additionalProperties } = node;
  if (Object.hasOwn(properties, step)) return [properties[step] ?? {}];
  return typeof additionalProperties === 'object' ? [additionalProperties] : [];
}
