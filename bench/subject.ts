/** What is measured: a running proxy, or the backend itself. */
import type { Program } from './program.js';

/**
 * In the order of every table. `usher-blind` is usher that doesn't follow frames (`drain.style: none`), `node-relay` the least
 * that Node needs to pass a WebSocket on.
 */
export const SUBJECT_NAMES = [
  'usher',
  'usher-blind',
  'node-relay',
  'haproxy',
  'nginx',
  'http-proxy',
  'direct',
] as const;
export type SubjectName = (typeof SUBJECT_NAMES)[number];

/** Whoever is only measured when he is asked for. */
export const ON_DEMAND: readonly SubjectName[] = ['usher-blind', 'node-relay'];

export interface Subject {
  readonly name: SubjectName;
  /** On 127.0.0.1. */
  readonly port: number;
  /** What stands in front of every connection: a PROXY header, or nothing for those who don't read it. */
  readonly header: Buffer;
  /** Whose CPU time and memory count; undefined for the backend itself. */
  readonly program: Program | undefined;
}
