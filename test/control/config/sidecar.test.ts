import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadSidecarFileSync, loadSidecarText } from '../../../src/control/config/sidecar.js';

const TEXT = 'listeners:\n  chat:\n    listen: 8080\n    trustedSources: [10.0.0.0/8]\n    backendPort: 3000\n';

t.test('each key knows its place, one that was left out that of its neighbourhood', async t => {
  const result = loadSidecarText(TEXT, 'usher.yaml');
  if (!result.ok) throw new Error('it is fine');
  t.match(result.sidecar.settings.listeners, [{ name: 'chat' }]);
  const { sidecar } = result;
  t.same(sidecar.place('listeners', 'chat', 'listen'), {
    kind: 'config',
    file: 'usher.yaml',
    line: 3,
    column: 5,
    path: 'listeners.chat.listen',
  });
  t.match(sidecar.place('listeners', 'chat', 'timeouts', 'keepAlive'), {
    line: 2,
    path: 'listeners.chat.timeouts.keepAlive',
  });
  t.match(sidecar.place('admin', 'listen'), { path: 'admin.listen' });
});

t.test('problems are those of the configuration', async t => {
  const file = join(t.testdir(), 'usher.yaml');
  writeFileSync(file, `${TEXT}  web:\n    listen: 8081\n    trustedSources: [10.0.0.0/8]\n    backendPort: 3000\n`);
  t.match(loadSidecarFileSync(file), { ok: false, problems: [{ rule: 'duplicate-backend-port' }] });
});
