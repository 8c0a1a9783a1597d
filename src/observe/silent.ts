import type { Observer } from '../observer.js';

function ignore(): void {}

/** Watches and says nothing: for tests, and for runs in which nobody wants to know. */
export const silent: Observer = {
  connectionOpened: ignore,
  connectionClosed: ignore,
  headerSettled: ignore,
  refused: ignore,
  probeSeen: ignore,
  exchangeEnded: ignore,
  tunnelOpened: ignore,
  tunnelClosed: ignore,
  dialEnded: ignore,
  endpointChanged: ignore,
  lookupSettled: ignore,
};
