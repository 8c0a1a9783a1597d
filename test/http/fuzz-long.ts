/**
 * The long run of the differential fuzz: `node dist/test/http/fuzz-long.js`. `USHER_FUZZ_SEED` repeats a run,
 * `USHER_FUZZ_CASES` sets its length. Ends with 1 when usher and Node disagree.
 */
import { fuzz, newTally } from './fuzz-compare.js';

const seed = Number(process.env['USHER_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const cases = Number(process.env['USHER_FUZZ_CASES'] ?? 1_000_000);
const STEP = 50_000;

const say = (text: string) => process.stdout.write(`${text}\n`);

say(`seed ${seed}, ${cases} cases, Node ${process.version}`);
const tally = newTally();
for (let from = 0; from < cases && tally.findings.length === 0; from += STEP) {
  await fuzz(seed, from, Math.min(cases, from + STEP), tally);
  say(`${Math.min(cases, from + STEP)} cases, ${tally.messages} messages that both understood`);
}
const verdicts = [...tally.verdicts].sort(([, one], [, other]) => other - one);
say(verdicts.map(([verdict, count]) => `${verdict} ${count}`).join(', '));
for (const { index, side, difference, text } of tally.findings) {
  say(`case ${index} of seed ${seed}, ${side}: ${difference}\n  ${JSON.stringify(text)}`);
}
process.exitCode = tally.findings.length === 0 ? 0 : 1;
