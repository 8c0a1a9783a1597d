/**
 * The lock file must serve every machine. A registry that lacks some platforms' packages makes npm leave them out of
 * the lock file, and `npm ci` then refuses it everywhere.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';

interface Locked {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly resolved?: string;
}

const text = readFileSync(fileURLToPath(new URL('../../package-lock.json', import.meta.url)), 'utf8');
const { packages }: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(text);

t.test('every optional dependency of a locked package is locked too', async t => {
  for (const [path, locked] of Object.entries(packages)) {
    for (const name of Object.keys(locked.optionalDependencies ?? {})) {
      const found = `${path}/node_modules/${name}` in packages || `node_modules/${name}` in packages;
      t.ok(found, `${name}, wanted by ${path}`);
    }
  }
});

t.test('no registry is named', async t => {
  t.same(
    Object.entries(packages).filter(([, locked]) => locked.resolved !== undefined),
    [],
  );
});
