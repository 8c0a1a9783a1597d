/** Rules about the PROXY header that a backend gets. */
import { formatPath } from './problem.js';
import type { BackendUse, Finding, View } from './view.js';

/** `send-proxy-needs-tcp`: by HTTP the client is told in header fields, and requests of many clients share a connection. */
export function* sendProxyNeedsTcp(view: View): Iterable<Finding> {
  for (const [name, { protocol }] of Object.entries(view.config.listeners)) {
    const path = ['listeners', name];
    if (protocol === 'tcp' || !view.isGiven(...path, 'sendProxyProtocol') || !view.isSound(...path, 'protocol'))
      continue;
    const message =
      'protocol http names the client in X-Forwarded-For, and requests of many clients share a connection to the backend: remove it, or write protocol: tcp';
    yield { rule: 'send-proxy-needs-tcp', path: [...path, 'sendProxyProtocol'], message };
  }
}

/** `mixed-send-proxy`: an endpoint expects a PROXY header of one version from everyone, or none from anyone. */
export function* mixedSendProxy(view: View): Iterable<Finding> {
  const first = new Map<string, BackendUse>();
  const told = new Set<string>();
  for (const use of view.backendUses().filter(use => isPlain(view, use))) {
    const holder = first.get(use.backend);
    if (holder === undefined) first.set(use.backend, use);
    if (holder === undefined || sentBy(holder) === sentBy(use) || told.has(`${use.name} ${use.backend}`)) continue;
    told.add(`${use.name} ${use.backend}`);
    yield { rule: 'mixed-send-proxy', path: sentPath(use), message: mixedWords(view, holder, use) };
  }
}

function mixedWords(view: View, first: BackendUse, second: BackendUse): string {
  const backend = formatPath(['backends', second.backend]);
  const one = `${view.mention(first.owner, sentPath(first))} sends ${headerWords(first)} to ${backend}`;
  const other = `${view.mention(second.owner, sentPath(second))} sends ${headerWords(second)}`;
  const both = [first, second].every(({ listener }) => listener.protocol === 'tcp');
  const same = both ? 'write the same sendProxyProtocol in both, or ' : '';
  return `${one}, and ${other}: its endpoints cannot expect both, so ${same}give each listener a backend of its own`;
}

/** Whether what this listener sends is known, and allowed: else another problem is told. */
function isPlain(view: View, { name, listener }: BackendUse): boolean {
  if (listener.protocol === 'http' && listener.sendProxyProtocol !== undefined) return false;
  return ['protocol', 'sendProxyProtocol'].every(key => view.isSound('listeners', name, key));
}

function sentBy({ listener }: BackendUse): 'v1' | 'v2' | undefined {
  return listener.sendProxyProtocol?.version;
}

function headerWords(use: BackendUse): string {
  const version = sentBy(use);
  return version === undefined ? 'no PROXY header' : `a PROXY header ${version}`;
}

/** Where it says what it sends; where it names the backend, when it says nothing. */
function sentPath(use: BackendUse): BackendUse['path'] {
  return sentBy(use) === undefined ? use.path : ['listeners', use.name, 'sendProxyProtocol'];
}
