import t from 'tap';
import { reportJson } from '../../../src/aws/report/json.js';
import { error, note, report } from './sample.js';

t.test('the shape that scripts hold on to', async t => {
  const json = JSON.parse(JSON.stringify(reportJson(report({ findings: [error, note] }))));
  const place = (jsonPath: string, file = 'clb.json') => {
    return { kind: 'document', file, document: 0, jsonPath, line: 12, column: 9 };
  };
  t.strictSame(json, {
    schemaVersion: 1,
    summary: {
      errors: 1,
      warnings: 0,
      notes: 1,
      problems: 1,
      gaps: 1,
      files: 3,
      rules: 30,
      compared: false,
    },
    findings: [
      {
        rule: error.rule,
        severity: 'error',
        message: error.message,
        consequence: error.consequence,
        cure: error.cure,
        commands: error.commands,
        places: [
          place('$.LoadBalancerDescriptions[0].ListenerDescriptions[1]'),
          { kind: 'config', file: 'usher.yaml', line: 4, column: 5, path: 'listeners.chat.proxyProtocol' },
        ],
      },
      {
        rule: note.rule,
        severity: 'note',
        message: note.message,
        consequence: '',
        cure: '',
        commands: [],
        places: [{ ...place('$', '-'), line: null, column: null }],
      },
    ],
    flows: [
      {
        kind: 'clb',
        balancer: 'chat',
        frontPort: 443,
        frontProtocol: 'SSL',
        protocol: 'TCP',
        port: 8080,
        header: 'v1',
        targetGroupArn: null,
        place: place('$.LoadBalancerDescriptions[0].ListenerDescriptions[0]'),
        headerPlace: place('$.LoadBalancerDescriptions[0].BackendServerDescriptions[0]'),
      },
    ],
    gaps: [{ kind: 'more-pages', message: 'There is a next page.', place: place('$.NextMarker') }],
    problems: [{ file: 'broken.json', document: 0, line: 7, message: 'is not valid JSON' }],
  });
});
