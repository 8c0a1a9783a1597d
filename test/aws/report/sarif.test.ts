import t from 'tap';
import { z } from 'zod';
import { fileUri, reportSarif } from '../../../src/aws/report/sarif.js';
import { at, error, report } from './sample.js';

/** What SARIF 2.1.0 requires of the parts that are used (3.13 and on), and nothing that it does not know. */
const message = z.strictObject({ text: z.string().min(1) });
const level = z.enum(['none', 'note', 'warning', 'error']);
const location = z.strictObject({
  id: z.int().min(0).optional(),
  physicalLocation: z.strictObject({
    artifactLocation: z.strictObject({ uri: z.string().regex(/^(?:[\w.!~*'()/-]|%[0-9A-F]{2}|^file:)+$/) }),
    region: z.strictObject({ startLine: z.int().min(1), startColumn: z.int().min(1).optional() }).optional(),
  }),
  logicalLocations: z.array(z.strictObject({ fullyQualifiedName: z.string() })).optional(),
  message: message.optional(),
});
const sarif = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.tuple([
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string(),
          version: z.string(),
          rules: z.array(
            z.strictObject({
              id: z.string(),
              shortDescription: message,
              fullDescription: z.strictObject({ text: z.string().min(1).max(1024) }),
              help: message,
              defaultConfiguration: z.strictObject({ level }),
            }),
          ),
        }),
      }),
      columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
      invocations: z.array(
        z.strictObject({
          executionSuccessful: z.boolean(),
          toolExecutionNotifications: z.array(z.strictObject({ level, message, locations: z.array(location) })),
        }),
      ),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.int().min(0).optional(),
          level,
          message,
          locations: z.array(location).min(1),
          relatedLocations: z.array(location).optional(),
        }),
      ),
    }),
  ]),
});

const usher = { version: '1.2.3', base: '/home/me' };

t.test('is SARIF 2.1.0', async t => {
  const log = sarif.parse(JSON.parse(JSON.stringify(reportSarif(report(), usher))));
  const [run] = log.runs;
  t.equal(run.tool.driver.version, '1.2.3');
  t.strictSame(
    run.results.map(({ ruleId, ruleIndex, level }) => [ruleId, ruleIndex, level]),
    [
      ['clb-shared-instance-port', 0, 'error'],
      ['nlb-idle', 1, 'warning'],
      ['health-note', undefined, 'note'],
    ],
  );
  t.strictSame(
    run.tool.driver.rules.map(({ id, shortDescription }) => [id, shortDescription.text]),
    report().rules.map(({ id, title }) => [id, title]),
  );
});

t.test('both places, the message with its cure, and where there is no line', async t => {
  const [run] = sarif.parse(reportSarif(report(), usher)).runs;
  const [first, , last] = run.results;
  t.match(first, {
    message: { text: [error.message, error.consequence, error.cure, ...error.commands].join('\n') },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: 'clb.json' }, region: { startLine: 12, startColumn: 9 } },
        logicalLocations: [{ fullyQualifiedName: '$.LoadBalancerDescriptions[0].ListenerDescriptions[1]' }],
      },
    ],
    relatedLocations: [
      {
        id: 1,
        physicalLocation: { artifactLocation: { uri: 'usher.yaml' }, region: { startLine: 4, startColumn: 5 } },
        logicalLocations: [{ fullyQualifiedName: 'listeners.chat.proxyProtocol' }],
      },
    ],
  });
  t.strictSame(last?.locations[0]?.physicalLocation, { artifactLocation: { uri: 'stdin' } });
});

t.test('of a story the beginning, and of places no more than GitHub takes', async t => {
  const [rule] = report().rules;
  if (rule === undefined) throw new Error('a rule');
  const stories = ['\none\ntwo\n\nthree', '', 'x'.repeat(2000)];
  const places = Array.from({ length: 1001 }, (_, index) => at('clb.json', index));
  const [first, ...others] = places;
  if (first === undefined) throw new Error('a place');
  const findings = [{ ...error, places: [first, ...others] as const }];
  const [run] = sarif.parse(
    reportSarif(report({ findings, rules: stories.map(story => ({ ...rule, story })) }), usher),
  ).runs;
  t.strictSame(
    run.tool.driver.rules.map(({ fullDescription }) => fullDescription.text),
    ['one two', rule.title, 'x'.repeat(1024)],
  );
  t.equal(run.results[0]?.relatedLocations?.length, 99);
});

t.test('what could not be understood is a notification', async t => {
  const [run] = sarif.parse(reportSarif(report(), usher)).runs;
  t.match(run.invocations, [
    {
      executionSuccessful: false,
      toolExecutionNotifications: [
        { level: 'error', message: { text: 'is not valid JSON' } },
        { level: 'warning', message: { text: 'There is a next page.' } },
      ],
    },
  ]);
  const [fine] = reportSarif(report({ problems: [] }), usher).runs;
  t.equal(fine?.invocations[0]?.executionSuccessful, true);
});

const uris: readonly (readonly [file: string, uri: string])[] = [
  ['clb.json', 'clb.json'],
  ['./clb.json', 'clb.json'],
  ['.//./clb.json', 'clb.json'],
  ['a b/c,d#?.json', 'a%20b/c%2Cd%23%3F.json'],
  ['x:y.json', 'x%3Ay.json'],
  ['../x.json', '../x.json'],
  ['ü.json', '%C3%BC.json'],
  ['\ud800.json', '%EF%BF%BD.json'],
  ['/home/me/aws/x.json', 'aws/x.json'],
  ['/home/mea/x.json', 'file:///home/mea/x.json'],
  ['-', 'stdin'],
];

t.test('files are named from the directory', async t => {
  for (const [file, uri] of uris) t.equal(fileUri(file, '/home/me'), uri, JSON.stringify(file));
});
