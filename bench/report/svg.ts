/** A report as a bar chart: per workload, each proxy's headline figure relative to the better of HAProxy and nginx. */
import { FIGURES, titleOf } from '../figures.js';
import type { WorkloadResult } from '../run.js';
import type { SubjectName } from '../subject.js';
import { betterOf, headlineOf } from '../verdict.js';
import type { Report } from './report.js';

const WIDTH = 720;
const NAMES = 90;
/** Between the longest bar and the edge: its numbers. */
const NUMBERS = 110;
const BAR = 13;
const STEP = 17;
const HEAD = 24;
const GAP = 14;
const TOP = 44;
/** Longer bars are cut off there; their numbers aren't. */
const MOST = 4;

const STYLE = `text{font:12px system-ui,sans-serif;fill:#1f2328}.head{font-weight:600}.end{text-anchor:end}
.usher{fill:#0969da}.peer{fill:#8c959f}.one{stroke:#cf222e;stroke-dasharray:3 3}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.usher{fill:#4493f8}.peer{fill:#6e7681}.one{stroke:#ff7b72}}`;

interface Bar {
  readonly name: SubjectName;
  /** To the better one. */
  readonly ratio: number;
  readonly value: string;
}

export function svgOf({ results, machine, date }: Report): string {
  const groups = results.flatMap(result => {
    const bars = barsOf(result);
    return bars.length === 0 ? [] : [{ title: `${result.workload.name}: ${headlineTitle(result)}`, bars }];
  });
  const longest = Math.min(MOST, Math.max(1, ...groups.flatMap(({ bars }) => bars.map(({ ratio }) => ratio))));
  const scale = (WIDTH - NAMES - NUMBERS) / longest;
  let y = TOP;
  const drawn = groups.map(({ title, bars }) => {
    const text = group(title, bars, y, scale);
    y += HEAD + bars.length * STEP + GAP;
    return text;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img">
<title>Cost of each proxy per unit of work, the better of HAProxy and nginx being 1; shorter is better</title>
<style>${STYLE}</style>
<text x="0" y="14" class="head">Cost per unit of work; the better of HAProxy and nginx is 1, shorter is better</text>
<text x="0" y="31">${escapeXml(`${machine.cpu}, ${machine.kernel}, Node ${machine.node}, ${date.slice(0, 10)}`)}</text>
${drawn.join('')}</svg>
`;
}

function headlineTitle({ workload }: WorkloadResult): string {
  return titleOf(workload.headline, workload);
}

/** Nothing when there is no better one to compare with. */
function barsOf(result: WorkloadResult): Bar[] {
  const better = betterOf(result);
  const unit = better === undefined ? undefined : headlineOf(result, better);
  if (unit === undefined) return [];
  return [...result.subjects.keys()].flatMap(name => {
    const value = headlineOf(result, name);
    const { digits } = FIGURES[result.workload.headline];
    return value === undefined ? [] : [{ name, ratio: value / unit, value: value.toFixed(digits) }];
  });
}

function group(title: string, bars: readonly Bar[], top: number, scale: number): string {
  const lines = bars.map(({ name, ratio, value }, index) => {
    const y = top + HEAD + index * STEP;
    const length = Math.min(ratio, MOST) * scale;
    const [base, end] = [y + BAR - 2, NAMES + length + 6];
    return `<text x="${NAMES - 8}" y="${base}" class="end">${escapeXml(name)}</text>
<rect x="${NAMES}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" class="${name === 'usher' ? 'usher' : 'peer'}"/>
<text x="${end.toFixed(1)}" y="${base}">${ratio.toFixed(2)} (${escapeXml(value)})</text>
`;
  });
  const one = (NAMES + scale).toFixed(1);
  const bottom = top + HEAD + bars.length * STEP;
  return `<text x="${NAMES}" y="${top + 15}" class="head">${escapeXml(title)}</text>
${lines.join('')}<line x1="${one}" x2="${one}" y1="${top + HEAD - 3}" y2="${bottom}" class="one"/>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, character => ENTITIES[character] ?? character);
}
