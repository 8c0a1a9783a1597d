/** Listeners of one Classic Load Balancer on one instance port, which `usher check aws` refuses. */
import type { Flow } from '../flow.js';
import { listed } from '../words.js';
import { balancerWords } from './doors.js';
import { type Note, question, shown } from './entry.js';

const MOST_NAMED = 8;
const CURE = `They share it, which usher check aws refuses: it prints the commands that give each a port of its own. Run them, and import again.`;

/** A question for each Classic Load Balancer that has several of the flows to one port. */
export function sharedPort(flows: readonly Flow[]): Note[] {
  const byBalancer = new Map<string, Flow[]>();
  for (const flow of flows) {
    if (flow.kind !== 'clb') continue;
    const group = byBalancer.get(flow.balancer);
    if (group === undefined) byBalancer.set(flow.balancer, [flow]);
    else group.push(flow);
  }
  return [...byBalancer.values()].flatMap(askKeeper);
}

function askKeeper(together: readonly Flow[]): Note[] {
  const [first, second] = together;
  if (first === undefined || second === undefined) return [];
  const left = together.length - MOST_NAMED;
  const names = together.slice(0, MOST_NAMED).map(flow => `${shown(flow.frontProtocol)} ${flow.frontPort}`);
  const all = listed(left > 0 ? [...names, `${left} more`] : names);
  return [question(`Which of ${all} of ${balancerWords(first)} keeps this instance port? ${CURE}`)];
}
