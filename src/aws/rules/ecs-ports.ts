/** The ports that containers of an ECS task publish, beside those that the balancer and usher use. */
import type { Container, TargetGroup } from '../estate.js';
import type { Finding, Rule, Scene } from '../finding.js';
import { below } from '../place.js';
import { sharesPorts } from '../task-ports.js';
import { changeTask, EDIT_NOTE } from './ecs-commands.js';
import { balancedPorts, publishes, type UsherTask, usherTasks } from './ecs-containers.js';

export const ecsPortMissing: Rule = {
  id: 'ecs-port-missing',
  severity: 'error',
  title: 'No container of the task publishes the port that the balancer uses',
  story: `An ECS service registers a task with its load balancer under a container and a port of it:
loadBalancers[].containerName and containerPort. That port must be in the portMappings of the
container, or ECS refuses the service ("container usher did not have a container port 8080
defined").

usher listens on a port to which the balancer forwards, and its container must publish just that
one. A port of the application needs no mapping: containers of a task in awsvpc mode share loopback.

    "portMappings": [{ "containerPort": 8080, "protocol": "tcp" }]`,
  *check(scene) {
    for (const owner of usherTasks(scene)) {
      if (!sharesPorts(owner.task)) continue;
      for (const { group, port } of balancedPorts(scene)) {
        if (concerns(scene, port) && !owner.task.containers.some(one => publishes(one, port))) {
          yield missingFinding(scene, owner, group, port);
        }
      }
    }
  },
};

/** Without a configuration only when there is one task, so that the balancer must mean it. */
function concerns({ sidecar, estate }: Scene, port: number): boolean {
  if (sidecar !== undefined) return sidecar.settings.listeners.some(({ listen }) => listen.port === port);
  return (
    estate.tasks.length === 1 && estate.targetGroups.some(({ targets = [] }) => targets.some(one => one.port === port))
  );
}

function missingFinding(scene: Scene, { usher, task }: UsherTask, group: TargetGroup, port: number): Finding {
  return {
    rule: 'ecs-port-missing',
    severity: 'error',
    message: `target group ${group.name} goes to port ${port}, but no container of task ${task.family} publishes it`,
    consequence: `ECS refuses a service that registers container ${usher.name} with port ${port}`,
    places: [
      usher.ports.length === 0 ? usher.at : below(usher.at, 'portMappings'),
      group.at,
      ...listenerPlace(scene, port),
    ],
    cure: `add { "containerPort": ${port}, "protocol": "tcp" } to the portMappings of container ${usher.name}; ${EDIT_NOTE}`,
    commands: changeTask(task.family),
  };
}

function listenerPlace({ sidecar }: Scene, port: number) {
  const listener = sidecar?.settings.listeners.find(({ listen }) => listen.port === port);
  return sidecar === undefined || listener === undefined ? [] : [sidecar.place('listeners', listener.name, 'listen')];
}

export const ecsPortOfApplication: Rule = {
  id: 'ecs-port-of-application',
  severity: 'error',
  title: "The balancer uses a port of the application's container, past usher",
  story: `The balancer's target group leads to a port that the container of the application publishes, and not
usher's. Then connections go past usher: with the PROXY protocol on, the application gets bytes that
it does not understand in front of each request; with it off, it never learns the client.

In an ECS service the entry under loadBalancers must name usher's container and the port on which
usher listens. The application keeps a port of its own on loopback, and publishes none.

    "loadBalancers": [{ "targetGroupArn": "…", "containerName": "usher", "containerPort": 8080 }]`,
  *check(scene) {
    const used = balancedPorts(scene);
    for (const owner of usherTasks(scene)) {
      if (!sharesPorts(owner.task)) continue;
      for (const { group, port } of used) {
        const application = owner.others.find(one => publishes(one, port));
        if (application === undefined || publishes(owner.usher, port)) continue;
        if (isPast(scene, owner, port, used)) yield pastFinding(scene, owner, application, group, port);
      }
    }
  },
};

/**
 * With a configuration: the port is usher's own, or one of a backend. Without: no target group leads to usher at all, so
 * that this one is meant for it.
 */
function isPast(
  { sidecar }: Scene,
  { usher }: UsherTask,
  port: number,
  used: readonly { readonly port: number }[],
): boolean {
  if (sidecar === undefined) return !used.some(one => publishes(usher, one.port));
  const { listeners, backends } = sidecar.settings;
  const own = listeners.some(({ listen }) => listen.port === port);
  return own || backends.some(({ endpoints }) => endpoints.some(endpoint => endpoint.port === port));
}

function pastFinding(
  scene: Scene,
  owner: UsherTask,
  application: Container,
  group: TargetGroup,
  port: number,
): Finding {
  const { usher, task } = owner;
  const mapping = application.ports.find(({ containerPort }) => containerPort === port);
  const [first] = scene.sidecar?.settings.listeners ?? [];
  const wanted = first?.listen.port ?? usher.ports[0]?.containerPort;
  return {
    rule: 'ecs-port-of-application',
    severity: 'error',
    message: `target group ${group.name} goes to port ${port}, which container ${application.name} of task ${task.family} publishes, not ${usher.name}`,
    consequence: 'connections go past usher to the application',
    places: [mapping?.at ?? application.at, group.at, ...(first ? listenerPlace(scene, first.listen.port) : [])],
    cure: `publish ${wanted === undefined ? "usher's port" : `port ${wanted}`} in container ${usher.name}, name it in loadBalancers of the service, and take port ${port} out of ${application.name}; ${EDIT_NOTE}`,
    commands: changeTask(task.family),
  };
}
