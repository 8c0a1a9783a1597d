/** How a task stops: in which order, and within which time. */
import type { Container } from '../estate.js';
import type { Finding, Rule } from '../finding.js';
import { below } from '../place.js';
import { changeTask, EDIT_NOTE } from './ecs-commands.js';
import { applicationsOf, usherTasks } from './ecs-containers.js';

/** Seconds that ECS waits between SIGTERM and SIGKILL where nothing is said, and the most that Fargate allows. */
const STOP_DEFAULT = 30;
const STOP_MOST_ON_FARGATE = 120;
/** What usher takes beside its drain to end, seconds. */
const LAST_WORDS = 2;

export const ecsNotEssential: Rule = {
  id: 'ecs-not-essential',
  severity: 'warning',
  title: 'usher or the application is not an essential container',
  story: `When a container with essential: true ends, ECS stops the whole task and starts another. When one
without ends, the task goes on.

A task whose usher is dead stands behind the balancer with a closed port. A task whose application
is dead answers 502. Neither can serve anybody, and neither is replaced before the balancer's health
checks have failed, or not at all where these ask the other container.

Make both essential. A container that only writes usher's configuration and ends must not be.`,
  *check(scene) {
    for (const owner of usherTasks(scene)) {
      for (const container of [owner.usher, ...applicationsOf(scene, owner)]) {
        if (!container.essential) yield essentialFinding(container, owner.task.family);
      }
    }
  },
};

function essentialFinding({ name, at }: Container, family: string): Finding {
  return {
    rule: 'ecs-not-essential',
    severity: 'warning',
    message: `container ${name} of task ${family} is not essential`,
    consequence: `when ${name} ends, the task goes on and can serve nobody`,
    places: [below(at, 'essential')],
    cure: `set "essential": true for container ${name}; ${EDIT_NOTE}`,
    commands: changeTask(family),
  };
}

export const ecsStopOrder: Rule = {
  id: 'ecs-stop-order',
  severity: 'warning',
  title: 'The application waits for usher, so that it is stopped first',
  story: `ECS starts containers in the order of dependsOn and stops them in the opposite one: what was waited
for gets SIGTERM last, when those that waited have ended.

When the application depends on usher, it is stopped first. usher then drains in front of nobody:
requests under way and new ones get 502, and WebSockets are cut without a Close frame, because their
other side is gone before usher is told.

Turn it round: usher depends on the application. Then usher gets SIGTERM first, ends all
conversations while the application still answers, and the application is stopped when usher has
ended.

    "name": "usher", "dependsOn": [{ "containerName": "chat", "condition": "HEALTHY" }]`,
  *check(scene) {
    for (const { task, usher, others } of usherTasks(scene)) {
      for (const other of others) {
        const dependency = other.dependsOn.find(({ containerName }) => containerName === usher.name);
        if (dependency === undefined) continue;
        yield {
          rule: 'ecs-stop-order',
          severity: 'warning',
          message: `container ${other.name} of task ${task.family} depends on ${usher.name}, so ECS stops ${other.name} first`,
          consequence: 'while usher drains, the application is gone: requests get 502 and WebSockets are cut',
          places: [dependency.at, usher.at],
          cure: `take the dependency out, and let ${usher.name} depend on ${other.name} (HEALTHY, or START without a health check); ${EDIT_NOTE}`,
          commands: changeTask(task.family),
        };
      }
    }
  },
};

export const ecsStopTimeout: Rule = {
  id: 'ecs-stop-timeout',
  severity: 'warning',
  title: 'ECS kills usher before it has drained',
  story: `ECS sends SIGTERM, waits for stopTimeout (30 seconds where nothing is said) and sends SIGKILL. usher
takes up to drain.timeout from the signal on, and a moment to end.

With too short a stopTimeout the last conversations are cut by the end of the process, without a
Close frame and without the line in the log that says how many there were.

Set stopTimeout of usher's container to drain.timeout and two seconds, or more. On Fargate 120 is
the most; then drain.timeout has to be 118 s or less.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    const drain = sidecar.settings.drain.timeoutMs / 1000;
    const needed = Math.ceil(drain + LAST_WORDS);
    for (const { task, usher } of usherTasks(scene)) {
      const stop = usher.stopTimeout?.value ?? STOP_DEFAULT;
      if (stop >= drain + LAST_WORDS) continue;
      const fits = needed <= STOP_MOST_ON_FARGATE || !task.compatibilities.includes('FARGATE');
      yield {
        rule: 'ecs-stop-timeout',
        severity: 'warning',
        message: `container ${usher.name} is killed ${stop} s after SIGTERM, but usher drains for up to ${drain} s`,
        consequence: 'conversations that are open then are cut, without a Close frame',
        places: [usher.stopTimeout?.at ?? usher.at, sidecar.place('drain', 'timeout')],
        cure: fits
          ? `set "stopTimeout": ${needed} or more for container ${usher.name}; ${EDIT_NOTE}`
          : `set "stopTimeout": ${STOP_MOST_ON_FARGATE}, the most on Fargate, and drain.timeout: ${STOP_MOST_ON_FARGATE - LAST_WORDS}s or less`,
        commands: fits ? changeTask(task.family) : [],
      };
    }
  },
};

export const ecsFargateStopTimeout: Rule = {
  id: 'ecs-fargate-stop-timeout',
  severity: 'error',
  title: 'A stopTimeout is longer than Fargate allows',
  story: `On Fargate a container gets at most 120 seconds between SIGTERM and SIGKILL. ECS refuses a task
definition for Fargate that asks for more.

Set stopTimeout to 120 and fit usher into it: drain.timeout at most 118 s, of which
drain.deregisterDelay is the part in which new connections are still accepted, and drain.closeOver
the part in which WebSockets are closed.`,
  *check({ estate, sidecar }) {
    for (const { containers, compatibilities, family } of estate.tasks) {
      for (const { name, stopTimeout } of compatibilities.includes('FARGATE') ? containers : []) {
        if (stopTimeout === undefined || stopTimeout.value <= STOP_MOST_ON_FARGATE) continue;
        yield {
          rule: 'ecs-fargate-stop-timeout',
          severity: 'error',
          message: `container ${name} of task ${family} has a stopTimeout of ${stopTimeout.value} s, but Fargate allows ${STOP_MOST_ON_FARGATE} s`,
          consequence: 'ECS refuses the task definition',
          places: [stopTimeout.at, ...(sidecar === undefined ? [] : [sidecar.place('drain', 'timeout')])],
          cure: `set "stopTimeout": ${STOP_MOST_ON_FARGATE}, and drain.timeout of usher to ${STOP_MOST_ON_FARGATE - LAST_WORDS}s or less, in the file before it is registered`,
          commands: [],
        };
      }
    }
  },
};
