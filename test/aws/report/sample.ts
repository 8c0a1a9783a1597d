/** A report made by hand, with one of everything. */
import type { Estate } from '../../../src/aws/estate.js';
import type { Finding } from '../../../src/aws/finding.js';
import type { Flow } from '../../../src/aws/flow.js';
import type { ConfigPlace, DocumentPlace, Steps } from '../../../src/aws/place.js';
import type { Report } from '../../../src/aws/report/report.js';
import type { Sidecar } from '../../../src/aws/sidecar.js';
import { loadSidecarText } from '../../../src/control/config/sidecar.js';

export const at = (file: string, ...steps: Steps): DocumentPlace => ({ kind: 'document', file, document: 0, steps });

export const inConfig = (line: number, path: string): ConfigPlace => {
  return { kind: 'config', file: 'usher.yaml', line, column: 5, path };
};

export const flow = (given: Partial<Flow> = {}): Flow => ({
  at: at('clb.json', 'LoadBalancerDescriptions', 0, 'ListenerDescriptions', 0),
  kind: 'clb',
  balancer: 'chat',
  frontPort: 443,
  frontProtocol: 'SSL',
  protocol: 'TCP',
  port: 8080,
  header: 'v1',
  headerAt: at('clb.json', 'LoadBalancerDescriptions', 0, 'BackendServerDescriptions', 0),
  turnOn: [],
  turnOff: [],
  targetGroupArn: undefined,
  ...given,
});

/** A sidecar from YAML; throws when it is not a good one. */
export function sidecar(text: string): Sidecar {
  const result = loadSidecarText(text, 'usher.yaml');
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.sidecar;
}

export const CHAT = 'listeners: { chat: { listen: 8080, backendPort: 3000, trustedSources: [10.0.0.0/8] } }\n';

export const error: Finding = {
  rule: 'clb-shared-instance-port',
  severity: 'error',
  message: 'Listeners 443 and 80 of chat share instance port 8080, and usher wants a header there.',
  consequence: 'every connection from port 80 is refused with header-missing',
  places: [
    at('clb.json', 'LoadBalancerDescriptions', 0, 'ListenerDescriptions', 1),
    inConfig(4, 'listeners.chat.proxyProtocol'),
  ],
  cure: 'Give the listener of port 80 an instance port of its own.',
  commands: [
    'aws elb delete-load-balancer-listeners --load-balancer-name chat --load-balancer-ports 80',
    'aws elb create-load-balancer-listeners --load-balancer-name chat --listeners Protocol=TCP,LoadBalancerPort=80,InstanceProtocol=TCP,InstancePort=8081',
  ],
};

export const warning: Finding = {
  rule: 'nlb-idle',
  severity: 'warning',
  message: 'It is 50 % short, so to say: too short.',
  consequence: 'idle connections end',
  places: [at('some files/a b,c.json', 'x')],
  cure: 'Raise it.',
  commands: [],
};

export const note: Finding = {
  rule: 'health-note',
  severity: 'note',
  message: 'Worth knowing.',
  consequence: '',
  places: [at('-')],
  cure: '',
  commands: [],
};

export const NOTHING: Estate = {
  classics: [],
  networks: [],
  listeners: [],
  targetGroups: [],
  tasks: [],
  services: [],
  gaps: [],
};

/** Lines: 12 in clb.json, 3 in the other file, none on standard input. */
export const report = (given: Partial<Report> = {}): Report => ({
  findings: [error, warning, note],
  gaps: [{ kind: 'more-pages', message: 'There is a next page.', at: at('clb.json', 'NextMarker') }],
  problems: [{ file: 'broken.json', document: 0, line: 7, message: 'is not valid JSON' }],
  flows: [flow()],
  estate: NOTHING,
  sidecar: undefined,
  config: undefined,
  ownWarnings: 0,
  sources: {
    lineOf: ({ file }) => (file === '-' ? undefined : { line: file === 'clb.json' ? 12 : 3, column: 9 }),
  },
  files: ['clb.json', 'broken.json', '-'],
  asked: 30,
  rules: [error, warning].map(({ rule, severity }) => ({
    id: rule,
    severity,
    title: `Title of ${rule}`,
    story: 'Long.',
  })),
  ...given,
});

export const empty = report({ findings: [], gaps: [], problems: [] });
