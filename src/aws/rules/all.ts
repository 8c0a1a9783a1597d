/** Every rule, in the order in which they are listed. */
import type { Rule } from '../finding.js';

export const RULES: readonly Rule[] = [];
