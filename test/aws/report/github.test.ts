import t from 'tap';
import { reportGithub } from '../../../src/aws/report/github.js';
import { error, report, warning } from './sample.js';

t.test('one annotation each, and the sum', async t => {
  const lines = reportGithub(report({ findings: [{ ...error, commands: ['aws x'] }, warning] }), '').split('\n');
  t.strictSame(lines, [
    '::error file=clb.json,line=12,col=9,title=clb-shared-instance-port::' +
      'Listeners 443 and 80 of chat share instance port 8080, and usher wants a header there.%0A' +
      'every connection from port 80 is refused with header-missing%0A' +
      'Give the listener of port 80 an instance port of its own.%0Aaws x%0A' +
      'see usher.yaml:4 listeners.chat.proxyProtocol%0A($.LoadBalancerDescriptions[0].ListenerDescriptions[1])',
    '::warning file=some files/a b%2Cc.json,line=3,col=9,title=nlb-idle::' +
      'It is 50 %25 short, so to say: too short.%0Aidle connections end%0ARaise it.%0A($.x)',
    '::error file=broken.json,line=7,title=not understood::is not valid JSON',
    '::notice file=clb.json,line=12,col=9,title=not known::There is a next page.%0A($.NextMarker)',
    '1 error, 1 warning, 0 notes in 3 files; 1 document not understood',
    '',
  ]);
});

t.test('standard input is no file', async t => {
  t.match(reportGithub(report(), ''), '\n::notice title=health-note::Worth knowing.%0A($)\n');
});

t.test('no file can write a command of its own', async t => {
  const evil = '%0A\r\n::set-env name=x::y\r::stop';
  const place = { kind: 'document', file: `a:b,${evil}`, document: 0, steps: [evil] } as const;
  const lines = reportGithub(
    report({
      findings: [{ ...error, message: evil, commands: [evil], places: [place] }],
      problems: [{ file: evil, document: 0, line: 0, message: evil }],
      gaps: [],
    }),
    '',
  );
  t.equal(lines.split(/[\r\n]/).length, 4, 'a line each, the sum, and the end');
  t.match(lines, /^::error file=a%3Ab%2C%250A\\x0d\\n%3A%3Aset-env name=x%3A%3Ay/);
  t.match(lines, '::%250A%0A::set-env name=x::y\\x0d::stop%0A');
});

t.test('files are named from the directory', async t => {
  const finding = { ...error, places: [{ ...error.places[0], file: '/repo/aws/clb.json' }] as const };
  t.match(reportGithub(report({ findings: [finding] }), '/repo'), /^::error file=aws\/clb\.json,/);
});
