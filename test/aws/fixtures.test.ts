/**
 * Every rule with a set of files that has its fault and one that hasn't, as the commands of AWS print them, through reader,
 * flows and rules; and whole set-ups that are right.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Finding, SEVERITIES } from '../../src/aws/finding.js';
import { flowsOf } from '../../src/aws/flows.js';
import { inspect } from '../../src/aws/inspect.js';
import { readEstate } from '../../src/aws/read/read-estate.js';
import { RULES } from '../../src/aws/rules/all.js';
import { loadSidecarText } from '../../src/control/config/sidecar.js';

const FIXTURES = 'test/aws/fixtures';
const CONFIG = 'usher.yaml';

/** Everything that is found in a directory; what can't be read fails the test. */
function findingsIn(t: Test, directory: string): Finding[] {
  const names = readdirSync(directory).filter(name => name !== CONFIG);
  const files = names.map(name => ({ name, bytes: readFileSync(join(directory, name)) }));
  const { estate, problems, sources } = readEstate(files);
  t.same(problems, [], `${directory} can be read`);
  const findings = inspect(estate, sidecarIn(t, directory));
  for (const { rule, places } of findings) {
    for (const place of places) {
      if (place.kind === 'document') t.ok(sources.lineOf(place), `${rule} points at a line of ${place.file}`);
      else t.ok(place.line > 0, `${rule} points at a line of the configuration`);
    }
  }
  return findings;
}

/** Each rule asked alone: what `inspect` joins says no more which rule has said it. */
function saidBy(t: Test, directory: string) {
  const names = readdirSync(directory).filter(name => name !== CONFIG);
  const { estate } = readEstate(names.map(name => ({ name, bytes: readFileSync(join(directory, name)) })));
  const scene = { estate, flows: flowsOf(estate), sidecar: sidecarIn(t, directory) };
  return RULES.flatMap(rule => [...rule.check(scene)].map(finding => ({ rule, finding })));
}

function sidecarIn(t: Test, directory: string) {
  const file = join(directory, CONFIG);
  if (!existsSync(file)) return undefined;
  const result = loadSidecarText(readFileSync(file, 'utf8'), CONFIG);
  if (!result.ok) t.fail(`${file} is a good configuration`, { problems: result.problems });
  return result.ok ? result.sidecar : undefined;
}

for (const { id } of RULES) {
  t.test(`${id}: found where it is, and nowhere else`, async t => {
    const fault = findingsIn(t, join(FIXTURES, id, 'fault'));
    const own = fault.filter(({ rule }) => rule === id);
    t.ok(own.length > 0, 'found');
    for (const { message, consequence, cure } of own) {
      for (const text of [message, consequence, cure]) t.match(text, /^\S[^\n]*\S$/, 'one line each');
    }
    const fine = findingsIn(t, join(FIXTURES, id, 'fine'));
    t.same(
      fine
        .filter(({ rule, severity }) => rule === id || severity === 'error')
        .map(({ rule, message }) => [rule, message]),
      [],
      'neither it nor any error',
    );
  });
}

t.test('a rule speaks in its own name, and never worse than the list says of it', async t => {
  for (const name of readdirSync(FIXTURES)) {
    for (const { rule, finding } of saidBy(t, join(FIXTURES, name, 'fault'))) {
      t.equal(finding.rule, rule.id);
      const [own, worst] = [finding.severity, rule.severity].map(severity => SEVERITIES.indexOf(severity));
      t.ok(own !== undefined && worst !== undefined && own >= worst, `${rule.id}: ${finding.severity}`);
    }
  }
});

t.test('no fixture is left without its rule', async t => {
  const rules = new Set(RULES.map(({ id }) => id));
  t.equal(rules.size, RULES.length, 'each id once');
  for (const name of readdirSync(FIXTURES)) t.ok(rules.has(name), name);
});

t.test('every rule has a title of one line and a story of a page', async t => {
  for (const { id, title, story } of RULES) {
    t.match(title, /^\S[^\n]{10,110}$/, `${id}: title`);
    t.ok(story.length > 300 && story.length < 4000, `${id}: a page, ${story.length} characters`);
    for (const line of story.split('\n')) t.ok(line.length <= 120, `${id}: ${line}`);
  }
});

const SETUPS = 'test/aws/setups';

for (const name of existsSync(SETUPS) ? readdirSync(SETUPS) : []) {
  t.test(`${name}: a set-up that is right, so nothing is found`, async t => {
    const found = findingsIn(t, join(SETUPS, name));
    t.same(
      found.map(({ rule, severity, message }) => [severity, rule, message]),
      [],
    );
  });
}
