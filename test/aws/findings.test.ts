/** What each rule points at in its fixture, the place to change first, and the commands that it hands out, word by word. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { inspect } from '../../src/aws/inspect.js';
import { jsonPath, type Place } from '../../src/aws/place.js';
import { readEstate } from '../../src/aws/read/read-estate.js';
import { RULES } from '../../src/aws/rules/all.js';
import { loadSidecarText } from '../../src/control/config/sidecar.js';

const CONFIG = 'usher.yaml';
const EXPECTED: Readonly<Record<string, unknown>> = JSON.parse(readFileSync('test/aws/findings.json', 'utf8'));

function words(place: Place): string {
  return place.kind === 'config' ? place.path : `${place.file} ${jsonPath(place.steps)}`;
}

for (const rule of RULES) {
  t.test(rule.id, async t => {
    const directory = join('test/aws/fixtures', rule.id, 'fault');
    const names = readdirSync(directory).filter(name => name !== CONFIG);
    const { estate } = readEstate(names.map(name => ({ name, bytes: readFileSync(join(directory, name)) })));
    const file = join(directory, CONFIG);
    const loaded = existsSync(file) ? loadSidecarText(readFileSync(file, 'utf8'), CONFIG) : undefined;
    const all = inspect(estate, loaded?.ok === true ? loaded.sidecar : undefined);
    const found = all
      .filter(finding => finding.rule === rule.id)
      .map(({ places, commands }) => ({ places: places.map(words), commands }));
    t.strictSame(found, EXPECTED[rule.id]);
  });
}
