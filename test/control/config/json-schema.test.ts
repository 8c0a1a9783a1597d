import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  configJsonSchema,
  configJsonSchemaText,
  knownKeys,
  type SchemaNode,
} from '../../../src/control/config/json-schema.js';

t.test('config/usher.schema.json is fresh (write it with node dist/src/control/config/write-schema.js)', async t => {
  t.equal(readFileSync('config/usher.schema.json', 'utf8'), configJsonSchemaText());
});

t.test('every key is described, with its default', async t => {
  const visit = (node: SchemaNode, path: string): void => {
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      const where = `${path}.${key}`;
      t.ok(child.description, where);
      const { default: value } = child;
      if (value !== undefined && typeof value !== 'object')
        t.ok(child.description?.endsWith(`Default: ${String(value)}.`), `${where}: default`);
      visit(child, where);
    }
    for (const choice of node.anyOf ?? []) visit(choice, path);
    if (node.items !== undefined) visit(node.items, `${path}[]`);
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, `${path}.*`);
  };
  visit(configJsonSchema(), '');
});

t.test('known keys of a path', async t => {
  t.strictSame(knownKeys([]), ['$schema', 'listeners', 'backends', 'admin', 'log', 'drain']);
  t.strictSame(knownKeys(['listeners', 'any', 'routes', 3]), ['host', 'path', 'backend']);
  t.strictSame(knownKeys(['admin']), ['listen']);
  t.strictSame(knownKeys(['log', 'level', 'x']), []);
  t.strictSame(knownKeys(['constructor']), []);
});
