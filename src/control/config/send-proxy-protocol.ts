/** `sendProxyProtocol`: the PROXY header that a listener of protocol tcp puts in front of what it relays. */
import { z } from 'zod';
import type { ListenerSettings } from '../../settings.js';
import { key } from './keys.js';
import { show } from './problem.js';
import { withRule } from './scalars.js';

type Sent = NonNullable<ListenerSettings['sendProxyProtocol']>;

/** What may be written for `sendProxyProtocol`. */
export const sendProxyProtocol = () =>
  z.union([mapping, z.enum(['v1', 'v2']).transform((version): Sent => ({ version, uniqueId: false }))], {
    error: issue =>
      withRule(
        'invalid-value',
        `${show(issue.input)} is not a version of the PROXY header: use v1, v2 or { version: v2, uniqueId: true }, or remove the key`,
      ),
  });

const mapping = z
  .strictObject({
    version: key(z.enum(['v1', 'v2']), 'v2', 'v1: a line of text; v2: binary, with room for TLVs.'),
    uniqueId: key(z.boolean(), false, 'v2 only: send an id of the connection too (PP2_TYPE_UNIQUE_ID).'),
  })
  .transform(({ version, uniqueId }, context): Sent => {
    if (uniqueId && version === 'v1') {
      const words = 'a v1 header has no room for an id: write version: v2, or remove it';
      context.addIssue({ code: 'custom', path: ['uniqueId'], message: withRule('unique-id-needs-v2', words) });
    }
    return { version, uniqueId };
  });
