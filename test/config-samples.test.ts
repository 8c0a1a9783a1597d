import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { configJsonSchema, type SchemaNode } from '../src/control/config/json-schema.js';
import { formatProblem, loadConfigFileSync } from '../src/control/config/load.js';

const samples = readdirSync('config').filter(name => name.endsWith('.yaml'));

t.test('the samples are there', async t => {
  for (const name of ['minimal', 'full', 'clb', 'nlb', 'tcp', 'demo', 'scale-out'])
    t.ok(samples.includes(`${name}.yaml`), name);
});

for (const name of samples)
  t.test(`config/${name} has no problems and no warnings`, async t => {
    const file = `config/${name}`;
    const result = loadConfigFileSync(file);
    t.strictSame([...(result.ok ? [] : result.problems), ...result.warnings].map(formatProblem), []);
    t.equal(readFileSync(file, 'utf8').split('\n')[0], '# yaml-language-server: $schema=usher.schema.json');
  });

t.test('config/full.yaml has every key, with its default', async t => {
  const full: unknown = parse(readFileSync('config/full.yaml', 'utf8'));
  const visit = (node: SchemaNode, instances: readonly unknown[], path: string): void => {
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      if (key === '$schema') continue;
      const where = `${path}.${key}`;
      const found = instances.flatMap(instance => valuesAt(instance, key));
      t.ok(found.length > 0, where);
      if (child.default !== undefined && typeof child.default !== 'object')
        t.ok(found.includes(child.default), `${where}: default ${String(child.default)}`);
      visit(child, found, where);
    }
    const all = instances.flatMap(instance => (instance instanceof Object ? Object.values(instance) : []));
    for (const choice of node.anyOf ?? []) visit(choice, instances, path);
    if (node.items !== undefined) visit(node.items, all, `${path}[]`);
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, all, `${path}.*`);
  };
  visit(configJsonSchema(), [full], '');
});

function valuesAt(instance: unknown, key: string): readonly unknown[] {
  return instance instanceof Object && Object.hasOwn(instance, key) ? [Reflect.get(instance, key)] : [];
}
