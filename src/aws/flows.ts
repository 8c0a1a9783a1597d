/** All ways that connections take. */
import type { Estate } from './estate.js';
import type { Flow } from './flow.js';
import { classicFlows } from './flows-classic.js';
import { networkFlows } from './flows-network.js';
import { serviceFlows } from './flows-service.js';

/** Every flow of an estate, in the order of the files: Classic Load Balancers, then target groups, then Services. */
export function flowsOf(estate: Estate): Flow[] {
  return [...classicFlows(estate.classics), ...networkFlows(estate), ...serviceFlows(estate.services)];
}
