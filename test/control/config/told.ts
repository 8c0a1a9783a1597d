/** What a text is told, in short, for tests of the configuration. */
import { loadConfigText } from '../../../src/control/config/load.js';
import type { Problem } from '../../../src/control/config/problem.js';
import type { Settings } from '../../../src/settings.js';

/** Every problem and warning, errors first. */
export function told(text: string): readonly Problem[] {
  const result = loadConfigText(text, 'usher.yaml');
  return [...(result.ok ? [] : result.problems), ...result.warnings];
}

/** `rule line:column path` of each. */
export function places(text: string): readonly string[] {
  return told(text).map(({ rule, line, column, path }) => `${rule} ${line}:${column} ${path}`);
}

/** The settings of a text that has no faults. */
export function settingsOf(text: string): Settings {
  const result = loadConfigText(text, 'usher.yaml');
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return result.settings;
}
