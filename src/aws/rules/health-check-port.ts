/** Health checks and the port they go to: one that nobody can reach there, or one past usher. */
import type { Finding, Rule, Scene } from '../finding.js';
import { isHttp, isSent } from '../flow.js';
import { endpointPlace } from '../own-endpoint.js';
import type { Sidecar } from '../sidecar.js';
import { answererOf, betterCheck, type HealthCheck, healthChecks } from './health-checks.js';

export const healthCheckUnreachable: Rule = {
  id: 'health-check-unreachable',
  severity: 'error',
  title: 'Health checks go to a port where nothing can be reached',
  story: `A health check comes over the network, to the address of the instance, task or pod. usher's admin
listener binds 127.0.0.1:9180 unless it is told otherwise, and there only the machine itself reaches
it: every check of that port is refused by the system, and all targets are unhealthy.

Set admin.listen: 0.0.0.0:9180, and let the security group admit the balancer to that port and
nobody else. What changes anything (POST /drain, POST /reload) is answered to loopback only.

Likewise, a check of a port on which neither usher nor one of its backends listens finds nobody,
unless another process of yours is there, of which usher's configuration knows nothing.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    for (const check of healthChecks(scene)) {
      const answerer = answererOf(sidecar.settings, check.port);
      if (answerer.kind === 'admin' && answerer.loopback) yield loopbackFinding(sidecar, check);
      else if (answerer.kind === 'nobody' && !isMapped(scene, check.port) && !bringsHeader(check)) {
        yield nobodyFinding(sidecar, check);
      }
    }
  },
};

/** Whether a container publishes the port: then somebody is there. */
function isMapped({ estate }: Scene, port: number): boolean {
  return estate.tasks.some(({ containers }) =>
    containers.some(({ ports }) => ports.some(({ containerPort }) => containerPort === port)),
  );
}

/** Another rule tells of these. */
function bringsHeader({ protocol, header }: HealthCheck): boolean {
  return isHttp(protocol) && isSent(header);
}

function loopbackFinding(sidecar: Sidecar, check: HealthCheck): Finding {
  const { host = '' } = sidecar.settings.admin?.listen ?? {};
  return {
    rule: 'health-check-unreachable',
    severity: 'error',
    message: `the health check of ${check.whose} goes to port ${check.port}, usher's admin port, which is bound to ${host} only`,
    consequence: 'no health check reaches it, and all targets turn unhealthy',
    places: [sidecar.place('admin', 'listen'), check.at],
    cure: `set admin.listen: 0.0.0.0:${check.port}, and let the security group admit only the balancer to that port`,
    commands: [],
  };
}

function nobodyFinding(sidecar: Sidecar, check: HealthCheck): Finding {
  const better = betterCheck(sidecar);
  return {
    rule: 'health-check-unreachable',
    severity: 'warning',
    message: `the health check of ${check.whose} goes to port ${check.port}, where neither usher nor a backend of it listens`,
    consequence: 'unless something else answers there, every health check fails and all targets turn unhealthy',
    places: [check.at, sidecar.place('admin', 'listen')],
    cure: `${better.cure}${check.remark}`,
    commands: check.change(better),
  };
}

export const healthCheckBypassesUsher: Rule = {
  id: 'health-check-bypasses-usher',
  severity: 'warning',
  title: "Health checks go to the backend's own port, past usher",
  story: `The balancer sends connections to usher, but asks the application behind it whether the target is
healthy. When usher is not there, is not ready or drains, the application still says yes: the
balancer goes on sending clients to a port where nobody listens, and nothing takes the target out of
service.

It also means that the application's port is open to the balancer's subnets, so that others there
may reach it past usher and write their own X-Forwarded-For.

Ask usher's admin port for /readyz: it says 200 when usher accepts connections and a backend is up,
so the application's own state counts as well. Then bind the application to 127.0.0.1.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    for (const check of healthChecks(scene)) {
      const answerer = answererOf(sidecar.settings, check.port);
      if (answerer.kind !== 'backend' || (bringsHeader(check) && answerer.backend.checkHeader === undefined)) continue;
      const better = betterCheck(sidecar);
      yield {
        rule: 'health-check-bypasses-usher',
        severity: 'warning',
        message: `the health check of ${check.whose} goes to port ${check.port} of backend ${answerer.backend.name}, past usher`,
        consequence: 'a target whose usher is dead or drains stays in service, and its clients meet a closed port',
        places: [check.at, endpointPlace(sidecar, answerer)],
        cure: `${better.cure}${check.remark}`,
        commands: check.change(better),
      };
    }
  },
};
