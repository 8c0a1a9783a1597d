/**
 * The backend of every measurement, as a process of its own: `/` a small answer, `/whoami` who it was told the client
 * is, `/big` 8 MiB, `POST /sink` reads what it is sent, and a WebSocket echo on every path.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';
import { BIG_BYTES, SMALL_ANSWER } from './answers.js';

const SMALL = Buffer.from(SMALL_ANSWER);
const BIG = Buffer.alloc(BIG_BYTES, 'x');

function answer(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/whoami') response.end(JSON.stringify(request.headers));
  else if (request.url === '/big') {
    response.writeHead(200, { 'Content-Length': BIG.length });
    response.end(BIG);
  } else if (request.method === 'POST') {
    let bytes = 0;
    request.on('data', (piece: Buffer) => {
      bytes += piece.length;
    });
    request.on('end', () => response.end(String(bytes)));
  } else {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': SMALL.length });
    response.end(SMALL);
  }
}

const server = createServer({ keepAliveTimeout: 60_000 }, answer);
const echo = new WebSocketServer({ server, perMessageDeflate: false });
echo.on('connection', socket => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 8192 });
