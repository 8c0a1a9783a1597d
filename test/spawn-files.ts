/**
 * Runs test files, the arguments, each in a process of its own, and writes their TAP as one to stdout. tap's own command
 * loads what measures coverage into each of them, which costs more CPU time than most of these tests; this doesn't.
 */
import t from 'tap';

const JOBS = 4;
/** For whole files; what is in them has its own limits. */
const FILE_TIMEOUT_MS = 300_000;

t.jobs = JOBS;
t.setTimeout(0);
// The parent test adds that measuring to the environment of its children; `env` takes it out again.
for (const file of process.argv.slice(2))
  t.spawn(
    '/usr/bin/env',
    ['-u', 'NODE_OPTIONS', process.execPath, '--enable-source-maps', file],
    { buffered: true, timeout: FILE_TIMEOUT_MS },
    file,
  );
