/** What a reload is said to change. */
import t from 'tap';
import { changesBetween, changeWords } from '../../src/control/changes.js';
import { settingsOf } from './config/told.js';

const CHAT = 'trustedSources: [10.0.0.0/8]';
const BEFORE = settingsOf(`
listeners:
  chat: { listen: 8080, ${CHAT}, backend: pool }
  web: { listen: 8081, ${CHAT}, backendPort: 3001 }
backends:
  pool: { endpoints: [3002] }
`);

function words(text: string, started = BEFORE): readonly string[] {
  return changeWords(changesBetween(started, BEFORE, settingsOf(text)));
}

t.test('the same settings: nothing', async t => {
  t.same(changeWords(changesBetween(BEFORE, BEFORE, structuredClone(BEFORE))), ['reloaded: nothing has changed']);
});

t.test('what is new, what is gone, and which keys of the others differ, as they are written', async t => {
  const text = `
listeners:
  chat:
    listen: 8090
    ${CHAT}
    allowMethods: [TRACE]
    timeouts: { tunnel: 2h }
    routes: [{ path: /a, backend: pool }, { backend: other }]
  api: { listen: 8081, ${CHAT}, backend: other }
backends:
  pool: { endpoints: [3002, { dns: chat.internal:1 }], slowStart: 1s, holdFor: 1s }
  other: { endpoints: [3003] }
log: { level: debug }
drain: { timeout: 1s }
`;
  t.same(words(text), [
    'reloaded: listeners: added api; removed web; changed chat (listen, routes, allowMethods, timeouts); ' +
      'backends: added other; removed web; changed pool (endpoints, slowStart, holdFor); changed log.level, drain',
  ]);
});

t.test('what waits for a restart is said as long as it waits', async t => {
  const listeners = `
listeners:
  chat: { listen: 8080, ${CHAT}, backend: pool }
  web: { listen: 8081, ${CHAT}, backendPort: 3001 }
backends:
  pool: { endpoints: [3002] }
`;
  const text = `${listeners}admin: off\nlog: { format: json }\n`;
  const restart = 'only a restart changes admin, log.format';
  t.same(words(text), ['reloaded: nothing has changed', restart]);
  t.same(changeWords(changesBetween(BEFORE, settingsOf(text), settingsOf(text))).slice(1), [restart]);
  t.same(words(listeners), ['reloaded: nothing has changed'], 'it was taken back');
});
