/** What `usher explain` says of the rules of usher's own configuration. */
import type { RuleText } from '../aws/report/report.js';
import { PORT_STORIES } from './config-stories-ports.js';
import { RULE_STORIES } from './config-stories-rules.js';
import { VALUE_STORIES } from './config-stories-values.js';

/** One for each rule that `usher check` may name. */
export const CONFIG_STORIES: readonly RuleText[] = [...PORT_STORIES, ...RULE_STORIES, ...VALUE_STORIES];
