import t from 'tap';
import { endpointPlace, ownEndpoint } from '../../src/aws/own-endpoint.js';
import { loadSidecarText } from '../../src/control/config/sidecar.js';

const cases: readonly { name: string; text: string; port: number; path: string | undefined; line?: number }[] = [
  {
    name: 'backendPort of a listener',
    text: 'listeners:\n  chat:\n    listen: 8080\n    backendPort: 3000\n',
    port: 3000,
    path: 'listeners.chat.backendPort',
    line: 4,
  },
  {
    name: 'a backend that is called like the listener that names it',
    text: 'listeners:\n  chat: { listen: 8080, backend: chat }\nbackends:\n  chat: { endpoints: [3000] }\n',
    port: 3000,
    path: 'backends.chat.endpoints[0]',
    line: 4,
  },
  {
    name: 'the second endpoint of a backend',
    text: 'listeners:\n  web: { listen: 8080, backend: chat }\nbackends:\n  chat:\n    endpoints:\n      - 3000\n      - localhost:3001\n',
    port: 3001,
    path: 'backends.chat.endpoints[1]',
    line: 7,
  },
  {
    name: 'an endpoint of another machine is none of ours',
    text: 'listeners:\n  web: { listen: 8080, backend: chat }\nbackends:\n  chat: { endpoints: ["10.0.0.1:3000"] }\n',
    port: 3000,
    path: undefined,
  },
];

for (const { name, text, port, path, line } of cases) {
  t.test(name, async t => {
    const result = loadSidecarText(text, 'usher.yaml');
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const endpoint = ownEndpoint(result.sidecar.settings, port);
    const place = endpoint && endpointPlace(result.sidecar, endpoint);
    t.same([place?.path, place?.line], [path, line]);
  });
}
