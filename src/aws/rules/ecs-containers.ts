/** Which container of an ECS task is usher, which is the application, and what ports they publish. */
import type { Container, TaskDefinition } from '../estate.js';
import type { Scene } from '../finding.js';
import { looksLikeUsher } from '../looks-like-usher.js';
import { portsOf, tcpGroups } from './nlb-groups.js';

export interface UsherTask {
  readonly task: TaskDefinition;
  readonly usher: Container;
  readonly others: readonly Container[];
}

/** The tasks with a container that is usher; of several that may be, none is. */
export function usherTasks({ estate }: Scene): readonly UsherTask[] {
  return estate.tasks.flatMap(task => {
    const usher = usherOf(task);
    const others = task.containers.filter(container => container !== usher && !isAwaited(task, container));
    return usher === undefined ? [] : [{ task, usher, others }];
  });
}

function usherOf(task: TaskDefinition): Container | undefined {
  const candidates = task.containers.filter(container => !isAwaited(task, container) && looksLikeUsher(container));
  const named = candidates.filter(({ name }) => name === 'usher');
  return candidates.length === 1 ? candidates[0] : named.length === 1 ? named[0] : undefined;
}

/** One that does its work and ends before others start, such as one that writes usher's configuration. */
function isAwaited({ containers }: TaskDefinition, { name, essential }: Container): boolean {
  const ends = ({ condition }: { readonly condition: string }) => condition === 'SUCCESS' || condition === 'COMPLETE';
  const ended = containers.some(({ dependsOn }) => dependsOn.some(one => one.containerName === name && ends(one)));
  return ended && !essential;
}

/** Whether a container has a port mapping of the port. */
export function publishes({ ports }: Container, port: number): boolean {
  return ports.some(({ containerPort }) => containerPort === port);
}

/** The ports at tasks to which balancers send connections, and the place that says so. */
export function balancedPorts(scene: Scene) {
  return tcpGroups({ ...scene, sidecar: undefined })
    .filter(({ group }) => group.targetType === 'ip')
    .flatMap(({ group }) => portsOf(scene, group).map(port => ({ group, port })));
}

/** The application's containers: those that publish a port of a backend on this machine, else those that usher waits for. */
export function applicationsOf({ sidecar }: Scene, { usher, others }: UsherTask): readonly Container[] {
  const ports = sidecar?.settings.backends.flatMap(({ endpoints }) => endpoints.map(({ port }) => port)) ?? [];
  const behind = others.filter(container => ports.some(port => publishes(container, port)));
  if (behind.length > 0) return behind;
  return others.filter(({ name }) => usher.dependsOn.some(({ containerName }) => containerName === name));
}
