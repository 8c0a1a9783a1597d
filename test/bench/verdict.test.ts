import t from 'tap';
import type { SubjectResult, WorkloadResult } from '../../bench/run.js';
import type { SubjectName } from '../../bench/subject.js';
import { betterOf, judge, sentenceOf } from '../../bench/verdict.js';
import { http } from '../../bench/workloads/http.js';

/** The outcome of `http` with these µs of CPU per request. */
function outcome(cpu: Readonly<Partial<Record<SubjectName, number>>>): WorkloadResult {
  const subjects = Object.entries(cpu).map(([name, median]): [SubjectName, SubjectResult] => [
    name as SubjectName,
    { cpu: { median, min: median, max: median, rounds: [median] } },
  ]);
  return { workload: http, subjects: new Map(subjects) };
}

const floor = { workload: 'http', against: 'better', floor: 1.25, goal: 1 } as const;

t.test('a floor and a goal are reached when the ratio is not above them', async t => {
  const cases = [
    { usher: 20, standing: 'goal', words: 'http: 1.00 × nginx, the goal (1.00) is reached by 0.00' },
    { usher: 25, standing: 'floor', words: 'http: 1.25 × nginx, the floor (1.25) is reached, short of the goal' },
    { usher: 30, standing: 'short', words: 'http: 1.50 × nginx, short of the floor (1.25) by 0.25' },
  ];
  for (const { usher, standing, words } of cases) {
    const verdicts = judge([outcome({ usher, haproxy: 22, nginx: 20, 'http-proxy': 70 })], [floor]);
    t.match(verdicts, [{ than: 'nginx', standing }]);
    t.match(verdicts.map(sentenceOf), [words]);
  }
});

t.test('the better one is the one that is there', async t => {
  t.equal(betterOf(outcome({ haproxy: 22, nginx: 20 })), 'nginx');
  t.equal(betterOf(outcome({ haproxy: 22, 'http-proxy': 10 })), 'haproxy');
  t.equal(betterOf(outcome({ 'http-proxy': 10 })), undefined);
});

t.test('without a peer nothing is judged, and without the workload nothing is said', async t => {
  t.match(judge([outcome({ usher: 20 })], [floor]), [{ standing: 'not judged', value: undefined }]);
  t.strictSame(judge([], [floor]), []);
});

t.test('http-proxy and a figure without comparison', async t => {
  const results = [outcome({ usher: 20, nginx: 20, 'http-proxy': 40 })];
  const floors = [
    { workload: 'http', against: 'http-proxy', floor: 0.4 },
    { workload: 'http', against: 'nothing', floor: 30, goal: 10 },
  ] as const;
  t.match(judge(results, floors), [
    { than: 'http-proxy', value: 0.5, standing: 'short' },
    { than: undefined, value: 20, standing: 'floor' },
  ]);
});
