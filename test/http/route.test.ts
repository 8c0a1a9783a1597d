import t from 'tap';
import { matchRoute } from '../../src/http/route.js';
import type { RouteSettings } from '../../src/settings.js';

const route = (path: string, backend: string, host?: string): RouteSettings => ({ path, backend, host });

/** In the order that the configuration room makes: with a host before without, longer path first. */
const ROUTES = [
  route('/admin/', 'host-admin', 'chat.example'),
  route('/', 'host', 'chat.example'),
  route('/', 'six', '[2001:db8::9]'),
  route('/socket.io/', 'chat'),
  route('/room', 'room'),
  route('/', 'web'),
];

t.test('the first route that covers host and path names the backend', async t => {
  const cases: readonly (readonly [host: string | undefined, target: string, backend: string])[] = [
    [undefined, '/', 'web'],
    ['other', '/', 'web'],
    ['other', '*', 'web'],
    ['other', '//socket.io/', 'web'],
    ['other', '/socket.io/', 'chat'],
    ['other', '/socket.io/x/y', 'chat'],
    ['other', '/socket.io/?EIO=4', 'chat'],
    ['other', '/socket.io', 'web'],
    ['other', '/socket.io?x=/socket.io/', 'web'],
    ['other', '/?/socket.io/', 'web'],
    ['other', '/room', 'room'],
    ['other', '/room/', 'room'],
    ['other', '/room/7', 'room'],
    ['other', '/room?x', 'room'],
    ['other', '/roommate', 'web'],
    ['other', '/Room', 'web'],
    ['other', '/%72oom', 'web'],
    ['chat.example', '/', 'host'],
    ['chat.example', '/room', 'host'],
    ['chat.example', '*', 'host'],
    ['CHAT.Example:8080', '/', 'host'],
    ['chat.example:', '/', 'host'],
    ['chat.example', '/admin/x', 'host-admin'],
    ['chat.example.', '/', 'web'],
    ['xchat.example', '/', 'web'],
    ['[2001:DB8::9]', '/', 'six'],
    ['[2001:db8::9]:8080', '/', 'six'],
    ['[2001:db8::9:8080]', '/', 'web'],
  ];
  for (const [host, target, backend] of cases) t.equal(matchRoute(ROUTES, host, target), backend, `${host} ${target}`);
});

t.test('no route, no backend', async t => {
  const routes = [route('/room', 'room'), route('/', 'host', 'chat.example')];
  t.equal(matchRoute(routes, 'other', '/'), undefined);
  t.equal(matchRoute(routes, undefined, '/'), undefined);
  t.equal(matchRoute(routes, 'other', '*'), undefined);
  t.equal(matchRoute([], 'other', '/'), undefined);
  t.equal(matchRoute([route('/room', 'room')], 'other', '/x'), undefined);
  t.equal(matchRoute([route('/', 'host', 'chat.example')], 'other', '/x'), undefined);
});

t.test('a single route for everything takes everything', async t => {
  for (const target of ['/', '/x', '*', '//']) t.equal(matchRoute([route('/', 'all')], undefined, target), 'all');
});
