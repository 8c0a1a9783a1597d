/** Every rule that the schema cannot say, because it looks at more than one key. */
import { duplicateBackendPort, duplicateListen, forwardingLoop } from './rules-addresses.js';
import {
  backendChoice,
  backendNameTaken,
  duplicateRoute,
  missingListen,
  noListeners,
  unknownBackend,
  unusedBackend,
} from './rules-backends.js';
import { cidrHostBits, httpOnlyKey, proxyHeaderTimeoutShort, routesOnTcp, trustedSources } from './rules-listeners.js';
import {
  affinityBalance,
  affinityNeedsHash,
  affinityNeedsHttp,
  duplicateCookieName,
  healthNeedsPath,
  healthTimeout,
  loadBoundNeedsHash,
} from './rules-pick.js';
import { mixedSendProxy, sendProxyNeedsTcp } from './rules-send-proxy.js';
import { drainTimeoutShort, tunnelTimeoutShort } from './rules-timeouts.js';
import type { Rule } from './view.js';

/** In no particular order: problems are sorted by their place. */
export const rules: readonly Rule[] = [
  noListeners,
  missingListen,
  backendChoice,
  duplicateBackendPort,
  duplicateListen,
  forwardingLoop,
  backendNameTaken,
  unknownBackend,
  unusedBackend,
  duplicateRoute,
  routesOnTcp,
  trustedSources,
  cidrHostBits,
  httpOnlyKey,
  proxyHeaderTimeoutShort,
  affinityBalance,
  affinityNeedsHash,
  affinityNeedsHttp,
  duplicateCookieName,
  loadBoundNeedsHash,
  healthNeedsPath,
  healthTimeout,
  sendProxyNeedsTcp,
  mixedSendProxy,
  drainTimeoutShort,
  tunnelTimeoutShort,
];
