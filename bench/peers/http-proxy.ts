/**
 * http-proxy as its README sets it up for a chat, as a process of its own: arguments are its port and the backend's.
 * It doesn't read the PROXY header, so nothing stands in front of its connections, and the client that it names is
 * the peer. It keeps connections to the backend open, which its defaults don't.
 */
import { Agent, createServer, ServerResponse } from 'node:http';
import httpProxy from 'http-proxy';

const [port, backendPort] = process.argv.slice(2).map(Number);
const proxy = httpProxy.createProxyServer({
  target: { host: '127.0.0.1', port: backendPort ?? 0 },
  agent: new Agent({ keepAlive: true }),
  xfwd: true,
});
proxy.on('error', (_error, _request, outcome) => {
  if (outcome instanceof ServerResponse && !outcome.headersSent) outcome.writeHead(502);
  outcome.end();
});

const listener = createServer((request, response) => proxy.web(request, response));
listener.on('upgrade', (request, socket, head) => {
  socket.on('error', () => {});
  proxy.ws(request, socket, head);
});
listener.listen({ port, host: '127.0.0.1', backlog: 8192 });
