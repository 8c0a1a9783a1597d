/** Ports of ECS tasks: as the balancer sees them, and inside, where usher listens. */
import type { TaskDefinition } from './estate.js';

/** Whether containers have the address of the task or of the machine, so that a port is the same inside and outside. */
export function sharesPorts({ networkMode }: TaskDefinition): boolean {
  return networkMode === 'awsvpc' || networkMode === 'host';
}

/** Whether containers have a network of their own, so that usher may listen on another port than the instance. */
export function isBridged({ networkMode }: TaskDefinition): boolean {
  return networkMode === undefined || networkMode === 'bridge';
}

/** What the bridged tasks publish. */
export interface BridgedPorts {
  /** From a port of the instance to the one in the container. */
  readonly byHost: ReadonlyMap<number, number>;
  /** Those in containers to which ECS gives a port of the instance of its choice. */
  readonly chosen: readonly number[];
}

export function bridgedPorts(tasks: readonly TaskDefinition[]): BridgedPorts {
  const byHost = new Map<number, number>();
  const chosen: number[] = [];
  for (const { hostPort, containerPort } of tasks.filter(isBridged).flatMap(mappingsOf)) {
    if (hostPort === undefined || hostPort === 0) chosen.push(containerPort);
    else if (!byHost.has(hostPort)) byHost.set(hostPort, containerPort);
  }
  return { byHost, chosen };
}

function mappingsOf({ containers }: TaskDefinition) {
  return containers.flatMap(({ ports }) => ports);
}
