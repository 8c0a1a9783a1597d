/** A clock that a test turns: what the code under test reads from `performance.now()`. */
import type { Test } from 'tap';

export interface Clock {
  turn(ms: number): void;
}

export function turnedClock(t: Test): Clock {
  const now = performance.now;
  let ahead = 0;
  performance.now = () => now.call(performance) + ahead;
  t.teardown(() => {
    performance.now = now;
  });
  return {
    turn(ms) {
      ahead += ms;
    },
  };
}
