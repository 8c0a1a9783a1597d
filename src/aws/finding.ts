/** What a rule found, and what a rule is. */
import type { Estate } from './estate.js';
import type { Flow } from './flow.js';
import type { Place } from './place.js';
import type { Elsewhere } from './scope.js';
import type { Sidecar } from './sidecar.js';

/** `error`: it does not work, or not safely; `warning`: it will hurt some day; `note`: worth knowing. */
export type Severity = 'error' | 'warning' | 'note';

/** The order in which findings are told. */
export const SEVERITIES: readonly Severity[] = ['error', 'warning', 'note'];

export interface Finding {
  /** Of the rule, `clb-shared-instance-port`. */
  readonly rule: string;
  readonly severity: Severity;
  /** What is so: one sentence that names both sides. */
  readonly message: string;
  /** What will happen: `every health check gets 400 and all targets turn unhealthy`. */
  readonly consequence: string;
  /** The places that disagree, the one to change first. At least one. */
  readonly places: readonly [Place, ...Place[]];
  /** What to do, in words. */
  readonly cure: string;
  /** The exact commands that do it, in their order; empty when it is not AWS that has to change. */
  readonly commands: readonly string[];
}

/** What there is to look at. */
export interface Scene {
  readonly estate: Estate;
  /** Every way that connections take, see {@link Flow}. */
  readonly flows: readonly Flow[];
  /** Undefined: no configuration was given, and rules that compare with it say nothing. */
  readonly sidecar: Sidecar | undefined;
  /** Balancers that were left out because they send to no port of usher's, while others do. */
  readonly elsewhere?: readonly Elsewhere[];
}

/** Pure. A rule that lacks what it needs to know says nothing. */
export interface Rule {
  /** Stable; scripts may hold on to it. */
  readonly id: string;
  /** The worst that it says. */
  readonly severity: Severity;
  /** One line for lists. */
  readonly title: string;
  /**
   * A page for `usher explain`: what the two sides do, why that goes wrong, how one sees it in production, how to cure it.
   * Paragraphs between empty lines, lines not longer than 100 characters; indented lines are shown as they are.
   */
  readonly story: string;
  check(scene: Scene): Iterable<Finding>;
}
