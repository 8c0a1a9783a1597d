import t from 'tap';
import { dateText } from '../../src/http/date.js';

t.test('a date is an IMF-fixdate (RFC 9110 5.6.7)', async t => {
  t.equal(dateText(784_111_777_000), 'Sun, 06 Nov 1994 08:49:37 GMT');
  t.equal(dateText(784_111_777_999), 'Sun, 06 Nov 1994 08:49:37 GMT', 'the same second');
  t.equal(dateText(784_111_778_000), 'Sun, 06 Nov 1994 08:49:38 GMT');
  t.equal(dateText(784_111_777_000), 'Sun, 06 Nov 1994 08:49:37 GMT', 'a clock that was set back');
  const now = Date.parse(dateText());
  t.ok(Math.abs(Date.now() - now) < 60_000, 'without a time it is now');
});
