/** A real proxy on port 0 for a test, which closes it. */
import type { Test } from 'tap';
import type { ResolverOptions } from '../../src/backend/resolver.js';
import { bare } from '../../src/bare-transport.js';
import { UsherProxy } from '../../src/proxy.js';
import type { BackendSettings, ListenerSettings } from '../../src/settings.js';
import { Recorder } from './recorder.js';
import { backendSettings, type ListenerChanges, listenerSettings, settingsOf } from './settings.js';

// A second run of the end-to-end tests takes the way of a Node that shows no handles.
bare.off = process.env['USHER_TEST_TRANSPORT'] === 'plain';

export interface RunningUsher {
  readonly proxy: UsherProxy;
  readonly seen: Recorder;
  /** Port of the first listener. */
  readonly port: number;
}

/** Starts usher with these listeners and backends; a sweep every 10 ms makes short deadlines exact enough. */
export async function startUsher(
  t: Test,
  listeners: readonly ListenerSettings[],
  backends: readonly BackendSettings[],
  lookups: ResolverOptions = {},
): Promise<RunningUsher> {
  const seen = new Recorder();
  const proxy = new UsherProxy(settingsOf(listeners, backends), seen, { sweepIntervalMs: 10, lookups });
  await proxy.start();
  t.teardown(() => proxy.close());
  const address = proxy.status().listeners[0]?.address ?? '';
  return { proxy, seen, port: Number(address.slice(address.lastIndexOf(':') + 1)) };
}

/** The usual case: one listener in front of one backend on `backendPort`. */
export function startUsherBefore(t: Test, backendPort: number, changes: ListenerChanges = {}): Promise<RunningUsher> {
  return startUsher(t, [listenerSettings(changes)], [backendSettings([backendPort])]);
}
