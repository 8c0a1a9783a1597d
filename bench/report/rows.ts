/** The rows of a workload's table, for the terminal and for Markdown. */
import { FIGURE_NAMES, FIGURES, type Figure, titleOf } from '../figures.js';
import type { Measured, WorkloadResult } from '../run.js';
import { headlineOf, ratioOf } from '../verdict.js';

/** Not measured, or does not apply. */
const NOTHING = '–';

/** The head and one row for each subject; the last column is usher's headline figure divided by the row's. */
export function rowsOf(result: WorkloadResult): string[][] {
  const { workload, subjects } = result;
  const shown = FIGURE_NAMES.filter(figure => [...subjects.values()].some(measured => measured[figure] !== undefined));
  const rows = [...subjects].map(([name, measured]) => {
    const ratio = name === 'usher' ? undefined : ratioOf(headlineOf(result, 'usher'), headlineOf(result, name));
    const cells = shown.map(figure => cell(measured[figure], figure, figure === workload.headline));
    return [name, ...cells, ratio === undefined ? NOTHING : `${ratio.toFixed(2)} ×`];
  });
  return [['', ...shown.map(figure => titleOf(figure, workload)), 'usher is'], ...rows];
}

/** The median; for the headline figure also its range over the rounds. */
function cell(measured: Measured | undefined, figure: Figure, range: boolean): string {
  if (measured === undefined) return NOTHING;
  const { digits } = FIGURES[figure];
  // Errors are never averaged away.
  if (figure === 'errors') return String(measured.rounds.reduce((sum, errors) => sum + errors, 0));
  const middle = measured.median.toFixed(digits);
  if (!range || measured.rounds.length === 1) return middle;
  return `${middle} (${measured.min.toFixed(digits)}–${measured.max.toFixed(digits)})`;
}
