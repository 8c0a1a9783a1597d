/** What the rules see of usher's configuration: settings, and where each was written. */
import type { Settings } from '../settings.js';
import type { ConfigPlace } from './place.js';

export interface Sidecar {
  readonly settings: Settings;
  /**
   * Where a key stands, `place('listeners', 'chat', 'proxyProtocol')`; of one that was left out, the nearest key around it,
   * with the whole path.
   */
  place(...path: readonly (string | number)[]): ConfigPlace;
}
