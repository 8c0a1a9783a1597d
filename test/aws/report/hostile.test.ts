/** Names of strangers in reports: nothing is obeyed, by a terminal or by the log of a build, and nothing grows without end. */
import fc from 'fast-check';
import t from 'tap';
import type { Finding } from '../../../src/aws/finding.js';
import { reportGithub } from '../../../src/aws/report/github.js';
import { fileUri } from '../../../src/aws/report/sarif.js';
import { reportTable } from '../../../src/aws/report/table.js';
import { at, error, flow, report } from './sample.js';

const PIECES = [
  ...[
    '\x1b[2J',
    '\x1b]0;x\x07',
    '\x9b31m',
    '\u202e',
    '\u2066',
    '\u200b',
    '\ufeff',
    '\u061c',
    '\u{e0041}',
    '\u2028',
    '\0',
  ],
  ...['\n', '\r\n', '\r', '\t', '\v', '\x7f', '\x85', ' ', '  ', '\ud800', '\udc00', 'é', '数', '😀'],
  ...['::error::', '::stop-commands::x', '::', ':', ',', '=', '%', '%0A', '%0D', '##[error]', '##vso[x]', '#', '##'],
  ...['"', "'", '$(id)', '`id`', '\\', '{', '- ', ': ', ' #', '&a', '*a', '<b>', 'word', '__proto__', '9'.repeat(400)],
];
const evil = fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map(pieces => pieces.join(''));

const hostile = fc.tuple(evil, evil, evil, evil).map(([a, b, c, d]) => {
  const finding: Finding = { ...error, message: a, consequence: b, cure: c, commands: [d], places: [at(a, b, c)] };
  const gap = { kind: 'unassigned', message: b, at: at(c, d) } as const;
  return report({
    findings: [finding, { ...finding, severity: 'note' }],
    problems: [{ file: b, document: 0, line: 1, message: d }],
    gaps: [gap],
    flows: [flow({ balancer: a, frontProtocol: c }), flow({ balancer: b, frontProtocol: d })],
    config: c,
    ownWarnings: 1,
    files: [a, b],
  });
});

const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u;
const LOG_COMMAND = /^\s*::.*::|##\w*\[/;

t.test('the table', async t => {
  const property = fc.property(hostile, fc.constantFrom(40, 80, 120), (report, width) => {
    const lines = reportTable(report, { width, colour: false, ascii: false }).split('\n');
    const bad = lines.find(line => OBEYED.test(line) || LOG_COMMAND.test(line));
    if (bad !== undefined) throw new Error(JSON.stringify(bad));
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }));
});

t.test('with colours there is nothing but colours more', async t => {
  const property = fc.property(hostile, report => {
    const text = reportTable(report, { width: 80, colour: true, ascii: true });
    const [plain, coloured] = [reportTable(report, { width: 80, colour: false, ascii: true }), text];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours
    return coloured.replace(/\x1b\[(?:1;3[136]|[02])m/g, '') === plain;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
});

const ANNOTATION =
  /^::(?:error|warning|notice) (?:(?:file|line|col|title)=(?:[^:,%]|%(?:25|3A|2C))*,?)+::(?:[^%]|%(?:25|0A))*$/;

t.test('annotations', async t => {
  const property = fc.property(hostile, report => {
    const lines = reportGithub(report, '').split('\n');
    if (lines.length !== 6 || lines.some(line => OBEYED.test(line))) throw new Error(JSON.stringify(lines));
    const bad = lines.slice(0, 4).find(line => !ANNOTATION.test(line));
    if (bad !== undefined || LOG_COMMAND.test(lines[4] ?? '')) throw new Error(JSON.stringify(bad ?? lines[4]));
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }));
});

t.test('references to files', async t => {
  const property = fc.property(evil, file => /^[\w.!~*'()%/:-]*$/.test(fileUri(file)));
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
});

t.test('thousands of findings, gaps, problems and places', async t => {
  const many = <T>(thing: T): T[] => Array.from({ length: 5000 }, () => thing);
  const place = at('clb.json', 'x'.repeat(100_000));
  const found: Finding = { ...error, places: [place, ...many(place)] };
  const full = report({
    findings: [...many(found), { ...error, rule: 'another' }],
    gaps: many({ kind: 'more-pages', message: 'There is a next page.', at: place } as const),
    problems: many({ file: 'x', document: 0, line: 0, message: 'is wrong' }),
    flows: many(flow({ balancer: 'b'.repeat(100_000) })).concat(flow()),
  });
  const table = reportTable(full, { width: 80, colour: false, ascii: false });
  for (const words of [
    'and 4991 places more',
    'and 4980 more of clb-shared-instance-port; --json shows all',
    'and 4950 problems more; --json shows all',
    'and 4950 things not known more; --json shows all',
    'error another',
    '5001 errors, 0 warnings',
  ]) {
    t.ok(table.includes(words), words);
  }
  t.ok(table.length < 200_000, `${table.length} characters`);
  const annotations = reportGithub(full, '').split('\n');
  t.equal(annotations.length, 21 + 50 + 50 + 3 + 2, 'findings, problems, gaps, what is left, the sum and the end');
  t.ok(annotations.join().length < 200_000);
});
