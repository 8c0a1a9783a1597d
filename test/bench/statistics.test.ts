import t from 'tap';
import { median, percentile, spreadOf } from '../../bench/statistics.js';

t.test('the median is the middle one, or the mean of the two in the middle', async t => {
  t.equal(median([7]), 7);
  t.equal(median([10, 9, 1]), 9, 'numbers are not sorted as text');
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.ok(Number.isNaN(median([])));
});

t.test('a spread has the median and both ends', async t => {
  t.strictSame(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 });
});

t.test('a percentile is one of the values, by nearest rank', async t => {
  const thousand = Array.from({ length: 1000 }, (_, i) => i + 1);
  const cases = [
    { values: thousand, percent: 50, expect: 500 },
    { values: thousand, percent: 99, expect: 990 },
    { values: thousand, percent: 99.9, expect: 999 },
    { values: thousand, percent: 100, expect: 1000 },
    { values: [1, 2, 3], percent: 99, expect: 3 },
    { values: [5], percent: 0.1, expect: 5 },
  ];
  for (const { values, percent, expect } of cases) t.equal(percentile(values, percent), expect, `p${percent}`);
  t.ok(Number.isNaN(percentile([], 99)));
});
