/** The files in config/deploy: their form, what they say of each other, and every usher configuration in them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { NODE_OPTIONS } from '../bench/launch.js';
import { formatProblem, loadConfigText } from '../src/control/config/load.js';
import { parseDuration } from '../src/control/config/units.js';
import type { Settings } from '../src/settings.js';
import { freePort, startProgram } from './support/peer-program.js';
import { runCommand, startRun } from './support/peer-usher.js';
import { needProgram } from './support/peers.js';

const DEPLOY = 'config/deploy';
const read = (name: string): string => readFileSync(join(DEPLOY, name), 'utf8');
// biome-ignore lint/suspicious/noExplicitAny: documents of other people's forms, looked at key by key
type Document = any;
const json = (name: string): Document => JSON.parse(read(name));

/** How long new connections may come after a target was deregistered; seconds. */
const LATE_CONNECTIONS = 120;

/** Loads a configuration as usher does: no problem, and no warning where SIGKILL comes after so many seconds. */
function settingsOf(t: Test, text: string, stopSeconds: number): Settings {
  const result = loadConfigText(text, 'usher.yaml', { stopTimeoutMs: stopSeconds * 1_000 });
  t.strictSame([...(result.ok ? [] : result.problems), ...result.warnings].map(formatProblem), []);
  if (!result.ok) throw new Error('the configuration is refused');
  return result.settings;
}

function portsOf({ listeners, admin }: Settings): number[] {
  return [...listeners.map(({ listen }) => listen.port), ...(admin === undefined ? [] : [admin.listen.port])];
}

function byName(list: readonly Document[], name: string): Document {
  return list.find(each => each.name === name);
}

t.test('the page names every file', async t => {
  const page = read('README.md');
  for (const name of readdirSync(DEPLOY)) if (name !== 'README.md') t.ok(page.includes(name), name);
});

// ---- ECS ----

const task = json('ecs-task-definition.json');
const containers: Document[] = task.containerDefinitions;
const usher = byName(containers, 'usher');
const writer = byName(containers, 'usher-config');

t.test('ECS: usher starts behind the chat and so is stopped before it', async t => {
  t.match(task, { requiresCompatibilities: ['FARGATE'], networkMode: 'awsvpc' });
  t.same(usher.dependsOn, [
    { containerName: 'usher-config', condition: 'SUCCESS' },
    { containerName: 'chat', condition: 'HEALTHY' },
  ]);
  const chat = byName(containers, 'chat');
  t.same(
    containers.map(({ essential }) => essential),
    [false, true, true],
  );
  t.ok(chat.healthCheck, 'HEALTHY needs a check');
  t.equal(chat.portMappings, undefined, 'nobody reaches the chat but through usher');
  for (const { stopTimeout } of [chat, usher]) t.ok(stopTimeout >= 2 && stopTimeout <= 120, 'what Fargate allows');
  for (const { name, logConfiguration, readonlyRootFilesystem } of containers) {
    t.match(logConfiguration, { logDriver: 'awslogs', options: { 'awslogs-stream-prefix': name } });
    t.equal(readonlyRootFilesystem, true);
  }
  t.same(usher.ulimits, [{ name: 'nofile', softLimit: 65_536, hardLimit: 65_536 }]);
});

t.test('ECS: the configuration fits its task', async t => {
  const settings = settingsOf(t, writer.environment[0].value, usher.stopTimeout);
  t.same(
    usher.portMappings.map(({ containerPort }: Document) => containerPort),
    portsOf(settings),
  );
  t.equal(settings.admin?.listen.host, '0.0.0.0', 'the balancer reaches it');
});

t.test('ECS: the container that goes first writes the file that usher reads', async t => {
  const [{ name, value }] = writer.environment;
  const [script] = writer.command;
  const path = usher.environment[0].value;
  t.match(script, `'${path}'`);
  t.same(writer.entryPoint, ['node', '-e']);
  t.equal(writer.image, usher.image);
  for (const { mountPoints } of [writer, usher]) {
    t.match(mountPoints, [{ sourceVolume: task.volumes[0].name, containerPath: '/etc/usher' }]);
  }
  t.equal(writer.mountPoints[0].readOnly, false);
  const file = join(t.testdir(), 'usher.yaml');
  execFileSync(process.execPath, ['-e', script.replace(path, file)], { env: { [name]: value } });
  t.equal(readFileSync(file, 'utf8'), value);
});

t.test('NLB: the target group fits the drain, and the health check asks the admin listener', async t => {
  const { Attributes: list, TargetGroupArn: arn } = json('nlb-target-group.json');
  const attributes = Object.fromEntries(list.map(({ Key, Value }: Document) => [Key, Value]));
  t.match(attributes, {
    'proxy_protocol_v2.enabled': 'true',
    'preserve_client_ip.enabled': 'false',
    'deregistration_delay.connection_termination.enabled': 'false',
    'target_health_state.unhealthy.connection_termination.enabled': 'false',
  });
  const { drain, admin } = settingsOf(t, writer.environment[0].value, usher.stopTimeout);
  const delay = Number(attributes['deregistration_delay.timeout_seconds']);
  t.ok(delay >= drain.timeoutMs / 1_000 + LATE_CONNECTIONS && delay <= 3_600, `${delay} s`);
  t.match(json('nlb-health-check.json'), {
    TargetGroupArn: arn,
    HealthCheckProtocol: 'HTTP',
    HealthCheckPort: String(admin?.listen.port),
    HealthCheckPath: '/readyz',
    Matcher: { HttpCode: '200' },
  });
  const [idle] = json('nlb-listener.json').Attributes;
  t.equal(idle.Key, 'tcp.idle_timeout.seconds');
  t.ok(Number(idle.Value) > 60 && Number(idle.Value) <= 6_000, "above the 60 s of usher's TCP keep-alives");
});

// ---- Kubernetes ----

const documents = parseAllDocuments(read('kubernetes.yaml'));
const [configMap, deployment, service, podMonitor]: Document[] = documents.map(each => each.toJS());
const pod = deployment.spec.template;
const sidecar = pod.spec.initContainers[0];
const app = pod.spec.containers[0];

t.test('Kubernetes: the documents refer to each other by names that are there', async t => {
  t.same(
    documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
    [],
  );
  t.same(
    [configMap, deployment, service, podMonitor].map(({ kind }) => kind),
    ['ConfigMap', 'Deployment', 'Service', 'PodMonitor'],
  );
  const { labels } = pod.metadata;
  for (const selector of [
    deployment.spec.selector.matchLabels,
    service.spec.selector,
    podMonitor.spec.selector.matchLabels,
  ])
    t.same(selector, labels);
  const ports = sidecar.ports.map(({ name }: Document) => name);
  t.same(service.spec.ports[0].targetPort, ports[0]);
  t.same(podMonitor.spec.podMetricsEndpoints, [{ port: ports[1], path: '/metrics', interval: '15s' }]);
  t.equal(pod.spec.volumes[0].configMap.name, configMap.metadata.name);
  t.equal(sidecar.volumeMounts[0].name, pod.spec.volumes[0].name);
});

t.test('Kubernetes: usher is a native sidecar that watches a directory', async t => {
  t.equal(sidecar.restartPolicy, 'Always');
  t.ok(sidecar.args.includes('--watch'));
  const [{ mountPath, subPath }] = sidecar.volumeMounts;
  t.equal(subPath, undefined);
  t.match(sidecar.env, [{ name: 'USHER_CONFIG', value: `${mountPath}/usher.yaml` }]);
  t.match(sidecar, {
    startupProbe: { httpGet: { path: '/livez', port: 'usher-admin' } },
    readinessProbe: { httpGet: { path: '/readyz', port: 'usher-admin' } },
    livenessProbe: { httpGet: { path: '/livez', port: 'usher-admin' } },
  });
});

t.test('Kubernetes: the configuration fits its pod and its balancer', async t => {
  const grace = pod.spec.terminationGracePeriodSeconds;
  const settings = settingsOf(t, configMap.data['usher.yaml'], grace);
  t.same(
    sidecar.ports.map(({ containerPort }: Document) => containerPort),
    portsOf(settings),
  );
  t.ok(settings.drain.timeoutMs / 1_000 + 30 <= grace, 'the chat stops within the same time, behind the drain');
  const prefix = 'service.beta.kubernetes.io/aws-load-balancer-';
  const { annotations } = service.metadata;
  for (const name of Object.keys(annotations)) t.ok(name.startsWith(prefix), name);
  const attributes = Object.fromEntries(
    annotations[`${prefix}target-group-attributes`].split(',').map((each: string) => each.split('=')),
  );
  const fargate = json('nlb-target-group.json').Attributes.map(({ Key }: Document) => Key);
  t.same(Object.keys(attributes).sort(), [...fargate].sort(), 'as on ECS');
  t.equal(attributes['proxy_protocol_v2.enabled'], 'true');
  const delay = Number(attributes['deregistration_delay.timeout_seconds']);
  t.ok(delay >= settings.drain.timeoutMs / 1_000 + LATE_CONNECTIONS, `${delay} s`);
  t.equal(annotations[`${prefix}healthcheck-port`], String(settings.admin?.listen.port));
  t.equal(
    annotations[`${prefix}listener-attributes.TCP-${service.spec.ports[0].port}`],
    'tcp.idle_timeout.seconds=350',
  );
});

t.test('Kubernetes: the preStop hook drains a real usher, and returns when it has drained', async t => {
  const [listen, admin] = [await freePort(), await freePort()];
  const file = join(t.testdir(), 'usher.yaml');
  const listener = `listen: 127.0.0.1:${listen}, trustedSources: [127.0.0.0/8], backendPort: 1`;
  const drain = 'drain: { timeout: 3s, deregisterDelay: 1s, closeOver: 0s }';
  writeFileSync(file, `listeners: { chat: { ${listener} } }\nadmin: { listen: "127.0.0.1:${admin}" }\n${drain}\n`);
  const running = await startRun(t, ['--config', file]);
  const [node, ...words] = app.lifecycle.preStop.exec.command;
  t.equal(node, 'node');
  const script = words.at(-1).replace('127.0.0.1:9180', `127.0.0.1:${admin}`);
  const hook = startProgram(t, process.execPath, [...words.slice(0, -1), script]);
  await running.until(() => running.stderr.includes('"msg":"draining"'));
  t.equal(hook.ending, undefined, 'it waits');
  t.same([await running.ended(), await hook.ended()], [0, 0]);
  const again = startProgram(t, process.execPath, [...words.slice(0, -1), script]);
  t.equal(await again.ended(), 0, 'and where usher has gone already it has nothing to wait for');
});

// ---- compose ----

t.test('compose: usher starts behind the chat, and its configuration fits', async t => {
  const compose = parse(read('docker-compose.yaml'));
  const { usher, chat } = compose.services;
  t.same(usher.depends_on, { chat: { condition: 'service_healthy' } });
  t.ok(chat.healthcheck);
  const [{ source, target }] = usher.configs;
  t.equal(usher.environment.USHER_CONFIG, target);
  const { content } = compose.configs[source];
  t.notMatch(content, /\$/, 'which compose would replace');
  const settings = settingsOf(t, content, (parseDuration(usher.stop_grace_period) ?? 0) / 1_000);
  t.same(usher.ports, [`${settings.listeners[0]?.listen.port}:${settings.listeners[0]?.listen.port}`]);
  t.match(settings.backends[0]?.dns, [{ name: 'chat', port: 3000 }]);
});

// ---- health checks and flags ----

t.test('every health check of usher is its own command, and every flag is one that it has', async t => {
  const compose = parse(read('docker-compose.yaml'));
  const checks = [usher.healthCheck.command, compose.services.usher.healthcheck.test];
  for (const check of checks) t.same(check, ['CMD', 'node', '/usher/dist/src/main.js', 'health']);
  const { stdout } = await runCommand(t, ['run', '--help']);
  for (const flag of [...usher.command, ...sidecar.args, ...compose.services.usher.command])
    t.ok(stdout.includes(`  ${flag} `), flag);
});

// ---- systemd ----

/** The last value of each key, sections left out: no key stands in two of them. */
function readUnit(text: string): Map<string, string> {
  const lines = text.split('\n').filter(line => /^[A-Z]\w*=/.test(line));
  return new Map(lines.map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

t.test('systemd: the unit waits for READY, reloads, and gives the drain its time', async t => {
  const unit = readUnit(read('usher.service'));
  t.match(Object.fromEntries(unit), {
    Type: 'notify',
    NotifyAccess: 'all',
    ExecReload: '/bin/kill -HUP $MAINPID',
    KillMode: 'mixed',
    KillSignal: 'SIGTERM',
    LimitNOFILE: '65536',
    RestartPreventExitStatus: '64 78',
  });
  const stop = Number(unit.get('TimeoutStopSec'));
  settingsOf(t, readFileSync('config/minimal.yaml', 'utf8'), stop);
  const [, ...words] = (unit.get('ExecStart') ?? '').split(' ');
  t.same(words, ['run', '--check-fds']);
  t.match(unit.get('Environment'), /^USHER_CONFIG=\/etc\/usher\/usher\.yaml /);
  t.ok(
    unit.get('Environment')?.endsWith(` NODE_OPTIONS=${NODE_OPTIONS.join(' ')}`),
    'started as the benchmark starts it',
  );
});

t.test('systemd: systemd itself has nothing to say about the unit', async t => {
  const program = needProgram(t, 'systemd-analyze');
  if (program === undefined) return;
  const file = join(t.testdir(), 'usher.service');
  writeFileSync(file, read('usher.service').replace('/usr/local/bin/usher', '/bin/true'));
  const { stderr } = spawnSync(program, ['verify', '--man=no', file], { encoding: 'utf8' });
  t.same(
    stderr.split('\n').filter(line => line.includes(file)),
    [],
  );
});
