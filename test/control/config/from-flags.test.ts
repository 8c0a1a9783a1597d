import t from 'tap';
import { type Flags, settingsFromFlags } from '../../../src/control/config/from-flags.js';
import { formatProblem } from '../../../src/control/config/problem.js';
import { settingsOf } from './told.js';

const words = (flags: Flags) => {
  const result = settingsFromFlags(flags);
  return [...(result.ok ? [] : result.problems), ...result.warnings].map(formatProblem);
};

t.test('flags mean what the file means', async t => {
  const result = settingsFromFlags({
    listen: '8080',
    backendPort: '3000',
    proxyProtocol: 'optional',
    trustedSource: ['10.0.0.0/8', '::1/128'],
    admin: '127.0.0.1:9000',
  });
  t.ok(result.ok);
  if (!result.ok) return;
  t.strictSame(result.warnings, []);
  t.strictSame(
    result.settings,
    settingsOf(`
listeners:
  main: { listen: 8080, backendPort: 3000, proxyProtocol: optional, trustedSources: [10.0.0.0/8, "::1/128"] }
admin: { listen: 127.0.0.1:9000 }
`),
  );
});

t.test('what is left out has the defaults of the file', async t => {
  const result = settingsFromFlags({
    listen: '127.0.0.1:8080',
    backendPort: '3000',
    proxyProtocol: 'off',
    trustedSource: [],
  });
  t.match(result, {
    ok: true,
    warnings: [],
    settings: { admin: { listen: { port: 9180 } }, listeners: [{ name: 'main', proxyProtocol: 'off' }] },
  });
  t.match(settingsFromFlags({ listen: '80', backendPort: '3000', admin: 'off' }), {
    ok: true,
    settings: { admin: undefined },
  });
});

t.test('problems stand at their flag', async t => {
  t.strictSame(words({ listen: '8080', backendPort: '70000', trustedSource: ['10.0.0.0/8'] }), [
    '--backend-port: "70000" is not a port: use a whole number from 1 to 65535 [invalid-port]',
  ]);
  t.strictSame(
    words({ listen: 'x', backendPort: '3000', proxyProtocol: 'of', trustedSource: ['10.0.0.0/8', 'y'], admin: 'z' }),
    [
      '--listen: "x" is not a listen address: write a port, host:port or [v6]:port [invalid-listen]',
      '--proxy-protocol: "of" is not one of required, optional, off: did you mean off? [invalid-value]',
      '--trusted-source: "y" is not an address range: write 10.0.0.0/8 or fd00::/8 [invalid-cidr]',
      '--admin: "z" is not a listen address: write a port, host:port or [v6]:port [invalid-listen]',
    ],
  );
  t.strictSame(words({ listen: '9180', backendPort: '3000', trustedSource: ['10.0.0.0/8'], admin: '9180' }), [
    '--admin: [::]:9180 is where listeners.main (--listen) listens already: give one of them another port [duplicate-listen]',
  ]);
  t.strictSame(words({ listen: '3000', backendPort: '3000', trustedSource: ['10.0.0.0/8'] }), [
    '--backend-port: port 3000 is where listeners.main (--listen) listens, so usher would forward to itself: use the port of the backend [forwarding-loop]',
  ]);
});

t.test('what is missing is told at its flag', async t => {
  t.strictSame(words({ trustedSource: ['10.0.0.0/8'] }), [
    '--listen: is missing: add it, such as 8080 [missing-key]',
    '--backend-port: listeners.main has no backend: give it one of backendPort, backend and routes [backend-choice]',
  ]);
  t.match(words({ listen: '80', backendPort: '3000' }), [
    /^--trusted-source: warning: .*, as in --trusted-source 10.0.0.0\/8 \[trusted-sources-open\]$/,
  ]);
  t.match(words({ listen: '80', backendPort: '3000', proxyProtocol: 'optional' }), [
    /^--proxy-protocol: .*\[optional-without-trusted-sources\]$/,
  ]);
});
