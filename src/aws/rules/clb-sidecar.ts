/** Which listeners of usher's stand behind a Classic Load Balancer. */
import type { ListenerSettings } from '../../settings.js';
import type { ClassicBalancer } from '../estate.js';
import type { Sidecar } from '../sidecar.js';

/** Those on its instance ports. */
export function listenersBehind({ settings }: Sidecar, balancer: ClassicBalancer): readonly ListenerSettings[] {
  const ports = new Set(balancer.listeners.map(({ instancePort }) => instancePort));
  return settings.listeners.filter(({ listen }) => ports.has(listen.port));
}
