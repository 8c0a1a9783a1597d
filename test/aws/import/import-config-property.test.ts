import fc from 'fast-check';
import t from 'tap';
import { flowsOf } from '../../../src/aws/flows.js';
import { importConfig } from '../../../src/aws/import/import-config.js';
import { inspect } from '../../../src/aws/inspect.js';
import { otherService } from '../../../src/aws/other-service.js';
import { formatProblem, loadConfigText } from '../../../src/control/config/load.js';
import { loadSidecarText } from '../../../src/control/config/sidecar.js';
import { anyEstate, anyPort, rightEstate } from './arbitrary-estate.js';

const numRuns = 400;

t.test('whatever the files say, the configuration has no error and every listener that it should', async t => {
  const property = fc.property(anyEstate, fc.option(anyPort, { nil: undefined }), (estate, backendPort) => {
    const { yaml, listeners, questions } = importConfig(estate, flowsOf(estate), { backendPort });
    if (yaml === undefined) return listeners === 0;
    const result = loadConfigText(yaml, 'usher.yaml');
    if (!result.ok) throw new Error(`${result.problems.map(formatProblem).join('\n')}\n${yaml}`);
    const asked = yaml.split('\n').flatMap(line => /^ *# QUESTION (\d+): /.exec(line)?.[1] ?? []);
    return (
      result.settings.listeners.length === listeners &&
      asked.join() === questions.map(({ number }) => number).join() &&
      !result.warnings.some(({ rule }) => rule === 'drain-timeout-short')
    );
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns }));
});

t.test('names cannot leave their comments, and nothing in the file is obeyed by a terminal', async t => {
  const property = fc.property(anyEstate, estate => {
    const { yaml = '' } = importConfig(estate, flowsOf(estate));
    const lines = yaml.split(/[\n\r\u0085\u2028\u2029]/);
    return lines.every(line => /^ *(#.*|[a-zA-Z0-9"-]+:.*)?$/.test(line) && !/\p{C}/u.test(line));
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns }));
});

t.test('the same files give the same configuration', async t => {
  fc.assert(
    fc.property(anyEstate, estate => {
      const [first, second] = [1, 2].map(() => importConfig(estate, flowsOf(estate)));
      t.strictSame(first, second);
    }),
    { numRuns: 30 },
  );
});

t.test('the configuration fits an estate that is right by itself', async t => {
  const property = fc.property(rightEstate, estate => {
    const flows = flowsOf(estate);
    const { yaml, listeners } = importConfig(estate, flows);
    // Each port gets its listener but those of another service, such as MySQL's.
    const own = new Set(flows.filter(flow => otherService(flow) === undefined).map(({ port }) => port));
    if (listeners !== own.size) throw new Error(`${listeners} listeners for ${own.size} ports`);
    if (yaml === undefined) return own.size === 0;
    const loaded = loadSidecarText(yaml, 'usher.yaml');
    if (!loaded.ok) throw new Error(`${loaded.problems.map(formatProblem).join('\n')}\n${yaml}`);
    const findings = inspect(estate, loaded.sidecar);
    const errors = findings.filter(({ severity }) => severity === 'error');
    if (errors.length > 0)
      throw new Error(`${errors.map(({ rule, message }) => `${rule}: ${message}`).join('\n')}\n${yaml}`);
    return true;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns }));
});
