/** Health checks and the bytes in front of them: a PROXY header, none, or TLS. */
import type { Finding, Rule } from '../finding.js';
import { isHttp, isSent } from '../flow.js';
import { endpointPlace } from '../own-endpoint.js';
import type { Sidecar } from '../sidecar.js';
import { type Answerer, answererOf, betterCheck, type HealthCheck, healthChecks } from './health-checks.js';

export const healthCheckHeader: Rule = {
  id: 'health-check-header',
  severity: 'error',
  title: 'Health checks bring a PROXY header to a port that does not understand it',
  story: `With the PROXY protocol on, a balancer puts a header in front of its health checks as well. A
Network Load Balancer sends a LOCAL header with every check of the target group, whichever port it
goes to; a Classic one sends a line with checks of an instance port that has the policy.

An application that gets such a header in place of a request line answers 400 or hangs up. Then
every check fails and no target is healthy, though the service works. A TCP check only connects, and
does not mind.

usher understands the header on listeners with proxyProtocol: required or optional, and takes
requests with or without it on its admin port. Let the balancer ask the admin port for /readyz, with
admin.listen: 0.0.0.0:9180 in usher's configuration and the port open to the balancer only.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    for (const check of healthChecks(scene)) {
      if (!isHttp(check.protocol) || !isSent(check.header)) continue;
      const answerer = answererOf(sidecar.settings, check.port);
      if (!understands(answerer)) yield headerFinding(sidecar, check, answerer);
    }
  },
};

function understands(answerer: Answerer): boolean {
  if (answerer.kind === 'listener') return answerer.listener.proxyProtocol !== 'off';
  return answerer.kind === 'admin' || (answerer.kind === 'backend' && answerer.backend.checkHeader !== undefined);
}

function headerFinding(sidecar: Sidecar, check: HealthCheck, answerer: Answerer): Finding {
  const better = betterCheck(sidecar);
  const known = answerer.kind !== 'nobody';
  const who = known ? 'which does not understand it' : 'where usher has nothing that would understand it';
  return {
    rule: 'health-check-header',
    severity: known ? 'error' : 'warning',
    message: `the ${check.protocol} health check of ${check.whose} brings a PROXY ${check.header} header to port ${check.port}, ${who}`,
    consequence: 'every health check fails and all targets turn unhealthy',
    places: [check.at, check.headerAt, placeOf(sidecar, answerer)],
    cure: `${better.cure}${check.remark}`,
    commands: check.change(better),
  };
}

/** What of usher's configuration stands behind a port. */
function placeOf(sidecar: Sidecar, answerer: Answerer) {
  switch (answerer.kind) {
    case 'listener':
      return sidecar.place('listeners', answerer.listener.name, 'proxyProtocol');
    case 'backend':
      return endpointPlace(sidecar, answerer);
    default:
      return sidecar.place('admin', 'listen');
  }
}

export const healthCheckRefused: Rule = {
  id: 'health-check-refused',
  severity: 'error',
  title: 'Health checks come without the PROXY header that usher requires',
  story: `A listener with proxyProtocol: required takes nothing but a PROXY header as the first bytes of a
connection. A health check that begins with a request, or with a TLS handshake, is closed without an
answer, and usher logs header-missing with the address of the balancer's node. Every check fails and
all targets turn unhealthy.

A check has no header where the balancer sends none: on a Classic Load Balancer where the policy is
not attached to the port of the check, on a Network Load Balancer where proxy_protocol_v2.enabled is
false. A TCP check connects and leaves without a byte; that is a probe to usher, and passes.

If the balancer should send the header, turn it on, and the checks will bring it too. Else let the
balancer ask usher's admin port, which takes requests with and without a header.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    for (const check of healthChecks(scene)) {
      const answerer = answererOf(sidecar.settings, check.port);
      if (!sendsBytes(check) || check.header !== 'none' || answerer.kind !== 'listener') continue;
      const { listener } = answerer;
      if (listener.proxyProtocol !== 'required' || speaksTls(check, answerer)) continue;
      const better = betterCheck(sidecar);
      yield {
        rule: 'health-check-refused',
        severity: 'error',
        message: `the ${check.protocol} health check of ${check.whose} brings no PROXY header to port ${check.port}, where listener ${listener.name} requires one`,
        consequence: 'usher closes every check without an answer (header-missing), and all targets turn unhealthy',
        places: [check.at, check.headerAt, sidecar.place('listeners', listener.name, 'proxyProtocol')],
        cure: `${better.cure}, or let the balancer send the PROXY header to port ${check.port}${check.remark}`,
        commands: check.change(better),
      };
    }
  },
};

/** A check by TCP connects and leaves. */
function sendsBytes({ protocol }: HealthCheck): boolean {
  return isHttp(protocol) || protocol === 'SSL';
}

/** Whether a check begins TLS with a part of usher that reads HTTP. */
function speaksTls({ protocol }: HealthCheck, answerer: Answerer): boolean {
  if (protocol !== 'HTTPS' && protocol !== 'SSL') return false;
  return answerer.kind === 'admin' || (answerer.kind === 'listener' && answerer.listener.protocol === 'http');
}

export const healthCheckTls: Rule = {
  id: 'health-check-tls',
  severity: 'error',
  title: 'Health checks speak TLS to usher',
  story: `usher speaks no TLS: the balancer ends it, in front, and sends plain bytes. A health check with
HTTPS or SSL begins with a TLS handshake, which usher refuses: behind a PROXY header as a malformed
request line (400), without one as header-missing, on the admin port as a malformed request. Every
check fails and all targets turn unhealthy.

Let it ask /readyz on usher's admin port by HTTP, or only connect, by TCP. Only a listener with
protocol: tcp in front of a backend that ends TLS itself can pass such a check on.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    for (const check of healthChecks(scene)) {
      const answerer = answererOf(sidecar.settings, check.port);
      if (!speaksTls(check, answerer)) continue;
      const better = betterCheck(sidecar);
      const key =
        answerer.kind === 'listener' ? ['listeners', answerer.listener.name, 'protocol'] : ['admin', 'listen'];
      yield {
        rule: 'health-check-tls',
        severity: 'error',
        message: `the health check of ${check.whose} speaks ${check.protocol} to port ${check.port}, where usher speaks no TLS`,
        consequence: 'every health check fails and all targets turn unhealthy',
        places: [check.at, sidecar.place(...key)],
        cure: `${better.cure}${check.remark}`,
        commands: check.change(better),
      };
    }
  },
};
