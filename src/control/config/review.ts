/** The way that every configuration takes, from a file or from flags: tree → schema → rules → settings or problems. */
import type { Settings } from '../../settings.js';
import { buildSettings } from './build.js';
import { byPosition, type Path, type Place, type Problem, problemAt } from './problem.js';
import { rules } from './rules.js';
import { surroundingRules } from './rules-timeouts.js';
import { type Config, configSchema } from './schema.js';
import { schemaFindings } from './schema-problems.js';
import type { Surroundings } from './surroundings.js';
import { condemned, placeOf, plain, type Tree, without } from './tree.js';
import { View } from './view.js';

/** Settings, or every problem; both lists are in the order of the file. */
export type ConfigResult =
  | {
      readonly ok: true;
      readonly settings: Settings;
      readonly warnings: readonly Problem[];
      /** Where a key stands; of one that was left out, the nearest key around it, with the whole path. */
      readonly placeOf: (path: Path) => Place;
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

/** More are counted, not told. */
const MAX_PROBLEMS = 100;

/** Looks at a whole document; `earlier` are the problems its reader found, `around` is what else is known. */
export function review(written: Tree, earlier: readonly Problem[], around: Surroundings = {}): ConfigResult {
  const { config, accepted, refused, problems } = applySchema(written);
  const all = [...earlier, ...problems];
  if (config !== undefined && accepted !== undefined) {
    const view = new View(config, written, accepted, refused);
    for (const rule of [...rules, ...surroundingRules(around)])
      for (const { rule: id, path, message, severity, at } of rule(view))
        all.push(problemAt(at ?? view.place(path), id, message, severity));
  }
  const errors = all.filter(problem => problem.severity === 'error');
  const warnings = bounded(all.filter(problem => problem.severity === 'warning'));
  if (errors.length > 0 || config === undefined) return { ok: false, problems: bounded(errors), warnings };
  return { ok: true, settings: buildSettings(config), warnings, placeOf: path => placeOf(written, path) };
}

/** Problems of a document that could not even be read. */
export function unreadable(problems: readonly Problem[]): ConfigResult {
  return { ok: false, problems: bounded(problems), warnings: [] };
}

function bounded(problems: readonly Problem[]): readonly Problem[] {
  const sorted = [...problems].sort(byPosition);
  const last = sorted[MAX_PROBLEMS];
  if (last === undefined) return sorted;
  const message = `${sorted.length - MAX_PROBLEMS} more of them are not shown: repair the ones above first`;
  return [...sorted.slice(0, MAX_PROBLEMS), { ...last, rule: 'more-problems', path: '', message }];
}

interface Verdict {
  readonly config: Config | undefined;
  readonly accepted: Tree | undefined;
  readonly refused: readonly Path[];
  readonly problems: readonly Problem[];
}

/**
 * Parses; cuts out what the schema refuses and parses what is left, so that the rules see the rest of the file.
 * Each round cuts something, and what only a cut has caused (an empty list) is not told.
 */
function applySchema(written: Tree): Verdict {
  const problems: Problem[] = [];
  const refused: Path[] = [];
  let accepted: Tree | undefined = written;
  for (let round = 0; accepted !== undefined; round++) {
    const tree: Tree = accepted;
    const result = configSchema.safeParse(plain(tree), { reportInput: true });
    if (result.success) return { config: result.data, accepted, refused, problems };
    const findings = schemaFindings(result.error.issues);
    if (round === 0) {
      for (const { rule, path, message } of findings) problems.push(problemAt(placeOf(tree, path), rule, message));
    }
    refused.push(...findings.map(finding => finding.path));
    accepted = without(tree, new Set(findings.map(finding => condemned(tree, finding.path))));
  }
  return { config: undefined, accepted: undefined, refused, problems };
}
