/** A configuration for those who compare it with something else: its settings, and where each key stands. */
import type { Settings } from '../../settings.js';
import { loadConfigFileSync, loadConfigText } from './load.js';
import type { Path, Problem } from './problem.js';
import type { ConfigResult } from './review.js';

/** As `aws/sidecar.ts` has it. */
export interface PlacedSettings {
  readonly settings: Settings;
  place(...path: Path): KeyPlace;
}

interface KeyPlace {
  readonly kind: 'config';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
}

export type SidecarResult =
  | { readonly ok: true; readonly sidecar: PlacedSettings; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

/** Reads a configuration from text; `file` is the name that places carry. */
export function loadSidecarText(text: string, file: string): SidecarResult {
  return placed(loadConfigText(text, file));
}

/** Reads a configuration file. */
export function loadSidecarFileSync(path: string): SidecarResult {
  return placed(loadConfigFileSync(path));
}

function placed(result: ConfigResult): SidecarResult {
  if (!result.ok) return result;
  const { settings, warnings, placeOf } = result;
  return { ok: true, warnings, sidecar: { settings, place: (...path) => ({ kind: 'config', ...placeOf(path) }) } };
}
