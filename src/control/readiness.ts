/** Whether traffic may come: what `/readyz` says of the proxy. */
import type { BackendStatus, ProxyStatus } from '../status.js';
import type { Readiness } from './admin-routes.js';

/** Names told at most. */
const MOST_NAMES = 3;

/**
 * At the start every backend is waited for, once, until it is known whether it works: a route whose server is still
 * starting would answer 503 while another backend is up already. Behind that it is enough that any backend is up.
 */
export class ReadinessGate {
  private readonly awaited: Set<string>;

  constructor(backends: readonly { readonly name: string }[]) {
    this.awaited = new Set(backends.map(({ name }) => name));
  }

  /**
   * Why this usher should get no new connections, or that it should. An endpoint that is up and drains counts: its
   * sessions still come through here, and as long as no other one is left, so do new ones.
   */
  judge({ state, backends }: ProxyStatus): Readiness {
    if (state !== 'running') return { ready: false, why: state };
    const open = backends.filter(backend => !isSettled(backend)).map(({ name }) => name);
    // One that a reload has removed isn't waited for any more.
    for (const name of this.awaited) if (!open.includes(name)) this.awaited.delete(name);
    if (this.awaited.size > 0) return { ready: false, why: `starting: waiting for ${namesOf([...this.awaited])}` };
    return backends.some(isUp) ? true : { ready: false, why: 'no backend is up' };
  }
}

/** Whether one of its endpoints is up, or all of them are known to be down. */
function isSettled(backend: BackendStatus): boolean {
  return isUp(backend) || (!backend.lookingUp && backend.endpoints.every(({ settled }) => settled));
}

function isUp({ endpoints }: BackendStatus): boolean {
  return endpoints.some(({ up }) => up);
}

function namesOf(backends: readonly string[]): string {
  const more = backends.length > MOST_NAMES ? ` and ${backends.length - MOST_NAMES} more` : '';
  return `backend${backends.length === 1 ? '' : 's'} ${backends.slice(0, MOST_NAMES).join(', ')}${more}`;
}
