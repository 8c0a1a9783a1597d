import t from 'tap';
import { table } from '../../../bench/report/table.js';

t.test('columns are as wide as their widest cell, numbers flush right', async t => {
  const rows = [
    ['', 'µs', 'errors'],
    ['usher', '18.2', '0'],
    ['nginx', '7.0', '–'],
  ];
  t.strictSame(table(rows), [
    //
    '         µs  errors',
    '-------------------',
    'usher  18.2       0',
    'nginx   7.0       –',
  ]);
});
