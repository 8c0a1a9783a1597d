/** What an affinity adds to a response, or learns from it. */
import type { Lease } from '../lease.js';
import type { AffinitySettings } from '../settings.js';
import { opensSession, setCookieText } from './affinity.js';
import { SidSniffer } from './engine-io.js';
import type { HttpOwner } from './owner.js';
import type { RequestHead } from './request-head.js';
import type { ResponseHead } from './response-head.js';

/** The Set-Cookie line that makes the client come back to the same endpoint; empty where it needs none. */
export function cookieText(
  lease: Pick<Lease, 'cookie'> | undefined,
  affinity: AffinitySettings | undefined,
  client: Pick<HttpOwner, 'secure'>,
): string {
  if (lease?.cookie === undefined || affinity?.kind !== 'cookie') return '';
  return setCookieText(affinity.name, lease.cookie, client.secure);
}

/**
 * Looks for the session that a response opens, so that its next requests find the same endpoint.
 * @returns what the content is shown to until it answers false; undefined: this response opens none that can be read
 */
export function sessionWatch(
  lease: Pick<Lease, 'learn'> | undefined,
  affinity: AffinitySettings | undefined,
  request: RequestHead,
  { status, fields }: ResponseHead,
): ((content: Buffer) => boolean) | undefined {
  if (status !== 200 || !opensSession(affinity, request)) return undefined;
  if (fields.valueOf('content-encoding') !== undefined) return undefined;
  const sniffer = new SidSniffer();
  return content => {
    const session = sniffer.feed(content);
    if (session !== undefined) lease?.learn(session.sid, session.aliveMs);
    return !sniffer.done;
  };
}
