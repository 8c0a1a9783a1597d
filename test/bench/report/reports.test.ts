import t from 'tap';
import { jsonOf } from '../../../bench/report/json.js';
import { markdownOf } from '../../../bench/report/markdown.js';
import type { Report } from '../../../bench/report/report.js';
import { escapeXml, svgOf } from '../../../bench/report/svg.js';
import { spreadOf } from '../../../bench/statistics.js';
import { judge } from '../../../bench/verdict.js';
import { http as workload } from '../../../bench/workloads/http.js';

const measured = (...rounds: number[]) => ({ ...spreadOf(rounds), rounds });
const results = [
  {
    workload,
    subjects: new Map([
      ['usher', { cpu: measured(21, 20, 22), errors: measured(0, 1, 0) }],
      ['nginx', { cpu: measured(20, 20, 20), errors: measured(0, 0, 0) }],
    ] as const),
  },
];
const report: Report = {
  date: '2026-11-23T06:42:27.407Z',
  machine: { cpu: 'A <&> B', cores: '2', kernel: 'Linux 6.1', node: 'v20.20.2' },
  versions: { usher: 'commit 4715e01', nginx: '1.22.1' },
  settings: { rounds: 3, seconds: 3 },
  results,
  verdicts: judge(results),
};

t.test('JSON holds every round, on one line', async t => {
  const text = jsonOf(report);
  t.match(text, '"rounds": [21, 20, 22]');
  const [first] = JSON.parse(text).results;
  t.match(first, { workload: 'http', headline: 'cpu', subjects: { usher: { cpu: { median: 21, min: 20, max: 22 } } } });
});

t.test('Markdown shows the median with its range, all errors, and the ratio', async t => {
  const text = markdownOf(report, 'latest.svg');
  t.match(text, '| usher | 21.0 (20.0–22.0) |      1 |        – |');
  t.match(text, '| nginx | 20.0 (20.0–20.0) |      0 |   1.05 × |');
  t.match(text, '- http: 1.05 × nginx, the floor (1.25) is reached');
  t.match(text, '](latest.svg)');
});

t.test('a chart has a bar for each proxy, and text that cannot become markup', async t => {
  const text = svgOf(report);
  t.equal(text.match(/<rect /g)?.length, 2);
  t.match(text, '>1.05 (21.0)</text>');
  t.match(text, 'A &lt;&amp;&gt; B');
  t.equal(escapeXml(`<a b="c">&`), '&lt;a b=&quot;c&quot;&gt;&amp;');
});

t.test('a chart without anyone to compare with is empty', async t => {
  const alone = [{ workload, subjects: new Map([['usher', { cpu: measured(1) }]] as const) }];
  t.notMatch(svgOf({ ...report, results: alone }), '<rect');
});
