/** What stands around usher and is not in its configuration: told to `usher check`, so that it can compare. Milliseconds. */
export interface Surroundings {
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs?: number | undefined;
  /** After so long without a byte the balancer ends a connection. */
  readonly idleTimeoutMs?: number | undefined;
}
