import t from 'tap';
import { isLocalHost, isLoopback } from '../../src/control/loopback.js';

t.test('loopback addresses, as sockets name them', async t => {
  for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']) t.ok(isLoopback(address), address);
  for (const address of ['10.0.0.1', '128.0.0.1', '::', '::2', '::ffff:10.0.0.1', undefined])
    t.notOk(isLoopback(address), address ?? 'none');
});

t.test('a Host that no name of a web page can be', async t => {
  for (const host of ['localhost', 'LOCALHOST:9180', '127.0.0.1', '10.0.0.7:80', '[::1]', '[fd00::7]:9180'])
    t.ok(isLocalHost(host), host);
  const names = ['', ':80', 'evil.example', 'localhost.evil.example', 'xlocalhost', '127.0.0.1.evil.example', '1.2.3'];
  for (const host of [...names, '[evil.example]', '[]', '::1', '127.0.0.1:x', '127.0.0.1:80:80', 'evil@localhost'])
    t.notOk(isLocalHost(host), host);
});
