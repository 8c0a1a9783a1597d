import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { flowsOf } from '../../../src/aws/flows.js';
import { importConfig } from '../../../src/aws/import/import-config.js';
import { inspect } from '../../../src/aws/inspect.js';
import { readEstate } from '../../../src/aws/read/read-estate.js';
import { formatProblem } from '../../../src/control/config/load.js';
import { loadSidecarText } from '../../../src/control/config/sidecar.js';

const EXAMPLES = fileURLToPath(new URL('../../../../test/aws/import/examples', import.meta.url));
const EXPECTED = 'usher.yaml';

/** Where AWS's side is wrong by itself, so that no configuration can make it right. */
const FAULTY = new Set(['unfit']);

/** What the command line would do with all other files of the directory. */
function imported(example: string) {
  const words = readdirSync(`${EXAMPLES}/${example}`).filter(name => name !== EXPECTED);
  const files = words.sort().map(name => ({ name, bytes: readFileSync(`${EXAMPLES}/${example}/${name}`) }));
  const { estate, problems } = readEstate(files);
  return { estate, problems, yaml: importConfig(estate, flowsOf(estate), { words }).yaml ?? '' };
}

for (const example of readdirSync(EXAMPLES)) {
  t.test(`${example} becomes the file beside it`, async t => {
    const { problems, yaml } = imported(example);
    t.strictSame(problems, []);
    t.equal(yaml, readFileSync(`${EXAMPLES}/${example}/${EXPECTED}`, 'utf8'));
  });

  t.test(`${example} fits the files that it came from`, async t => {
    const { estate, yaml } = imported(example);
    const loaded = loadSidecarText(yaml, EXPECTED);
    t.strictSame(loaded.warnings.map(formatProblem), []);
    if (!loaded.ok) return t.strictSame(loaded.problems.map(formatProblem), []);
    const errors = inspect(estate, loaded.sidecar).filter(({ severity }) => severity === 'error');
    return FAULTY.has(example) || t.strictSame(errors, []);
  });
}
