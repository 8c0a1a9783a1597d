/** The figures that a measurement can give: what they are called, their units and how they are written. */

interface FigureWords {
  /** With `{unit}` and `{units}` in the place of what is counted. */
  readonly title: string;
  readonly digits: number;
}

export const FIGURES = {
  perSecond: { title: '{units}/s', digits: 0 },
  /** Of the proxy, all its processes, user and system. */
  cpu: { title: 'CPU µs/{unit}', digits: 1 },
  p50: { title: 'p50 ms', digits: 2 },
  p99: { title: 'p99 ms', digits: 2 },
  p999: { title: 'p99.9 ms', digits: 2 },
  /** More than without a proxy. */
  added50: { title: '+p50 ms', digits: 2 },
  added99: { title: '+p99 ms', digits: 2 },
  added999: { title: '+p99.9 ms', digits: 2 },
  /** From the first connect until the last is up. */
  allUp: { title: 'all up ms', digits: 0 },
  /** What each takes more than none. */
  each: { title: 'kB/{unit}', digits: 1 },
  /** Of the whole proxy, after the work. */
  memory: { title: 'memory MiB', digits: 1 },
  errors: { title: 'errors', digits: 0 },
} as const satisfies Readonly<Record<string, FigureWords>>;

export type Figure = keyof typeof FIGURES;

/** What one measurement gave; what doesn't apply is left out. */
export type Figures = Readonly<Partial<Record<Figure, number>>>;

/** In the order of every table. */
export const FIGURE_NAMES = Object.keys(FIGURES) as Figure[];

/** What a figure is called where these are counted. */
export function titleOf(figure: Figure, { unit, units }: { readonly unit: string; readonly units: string }): string {
  return FIGURES[figure].title.replace('{units}', units).replace('{unit}', unit);
}
