/** Listeners of a Classic Load Balancer by the instance port that they lead to: policies and health belong to that port. */
import type { ClassicBalancer, ClassicListener } from '../estate.js';
import type { Scene } from '../finding.js';
import { endsTls, readsHttp } from './clb-commands.js';

const MOST = 65_535;
const FIRST_UNPRIVILEGED = 1024;

export interface InstancePort {
  readonly balancer: ClassicBalancer;
  readonly port: number;
  /** At least one, in the order of the file. */
  readonly listeners: readonly ClassicListener[];
}

/** The instance ports of all Classic Load Balancers. */
export function instancePorts({ estate }: Scene): readonly InstancePort[] {
  return estate.classics.flatMap(balancer =>
    [...groups(balancer)].map(([port, listeners]) => ({ balancer, port, listeners })),
  );
}

function groups({ listeners }: ClassicBalancer): ReadonlyMap<number, readonly ClassicListener[]> {
  const byPort = new Map<number, ClassicListener[]>();
  for (const listener of listeners) {
    const group = byPort.get(listener.instancePort);
    if (group === undefined) byPort.set(listener.instancePort, [listener]);
    else group.push(listener);
  }
  return byPort;
}

/** Whether listeners that relay bytes and listeners that read HTTP meet at the port. */
export function isMixed({ listeners }: Pick<InstancePort, 'listeners'>): boolean {
  return listeners.some(readsHttp) && !listeners.every(readsHttp);
}

/** Whether the balancer would speak TLS and plain bytes to the port. */
export function isHalfSecure({ listeners }: InstancePort): boolean {
  return listeners.some(encrypts) && !listeners.every(encrypts);
}

/** Whether the balancer speaks TLS to the instance port. */
export function encrypts({ instanceProtocol }: ClassicListener): boolean {
  return endsTls({ protocol: instanceProtocol });
}

/** `SSL 443`, as a listener is called in messages. */
export function listenerWords({ protocol, port }: ClassicListener): string {
  return `${protocol} ${port}`;
}

/** The listener that keeps the shared port: one that relays, and of those one that ends TLS. */
export function keeper({ listeners }: InstancePort): ClassicListener | undefined {
  const rank = (listener: ClassicListener) => (readsHttp(listener) ? 2 : 0) + (endsTls(listener) ? 0 : 1);
  return [...listeners].sort((a, b) => rank(a) - rank(b))[0];
}

/** At most `count` ports, the nearest above `port` that neither the balancer nor usher uses yet. */
export function freePorts(scene: Scene, { balancer, port }: InstancePort, count: number): readonly number[] {
  const taken = new Set([...portsOfBalancer(balancer), ...portsOfSidecar(scene)]);
  const free: number[] = [];
  const above = MOST - port;
  for (let step = 1; step <= MOST && free.length < count; step += 1) {
    const next = step <= above ? port + step : FIRST_UNPRIVILEGED - 1 + step - above;
    if (next <= MOST && !taken.has(next)) free.push(next);
  }
  return free;
}

function portsOfBalancer({ listeners, attached, healthCheck }: ClassicBalancer): readonly number[] {
  const ports = [...listeners, ...attached].map(({ instancePort }) => instancePort);
  return healthCheck === undefined ? ports : [...ports, healthCheck.port];
}

function portsOfSidecar({ sidecar }: Scene): readonly number[] {
  if (sidecar === undefined) return [];
  const { listeners, backends, admin } = sidecar.settings;
  return [
    ...listeners.map(({ listen }) => listen.port),
    ...backends.flatMap(({ endpoints }) => endpoints.map(({ port }) => port)),
    ...(admin === undefined ? [] : [admin.listen.port]),
  ];
}
