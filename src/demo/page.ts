/**
 * The page of the demo chat: one document without outside resources. Everything that comes from the network reaches
 * it through `textContent`, and the policy names the two inline blocks by their hashes, so nothing else can run.
 */
import { createHash } from 'node:crypto';

const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --seen: #0a7d4f; --blind: #b3541e; }
@media (prefers-color-scheme: dark) { :root { --seen: #4fd6a0; --blind: #f0a070; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 52rem; height: 100vh; padding: 1.5rem; display: flex; flex-direction: column;
  gap: 1rem; font: 16px/1.5 system-ui, sans-serif; }
header { display: grid; grid-template-columns: 4fr 3fr; gap: 1rem; }
header div { border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.25rem; min-width: 0; }
header p { margin: 0; opacity: .75; }
header strong { display: block; overflow-wrap: anywhere; font: 600 2rem/1.3 ui-monospace, monospace; }
#client { color: var(--seen); }
#socket { color: var(--blind); font-size: 1.4rem; line-height: 1.857; }
#lines { flex: 1; min-height: 8rem; margin: 0; padding: 1rem 1.25rem; overflow-y: auto; list-style: none;
  border: 1px solid var(--line); border-radius: .75rem; overflow-wrap: anywhere; }
#lines b { font: 600 .9em ui-monospace, monospace; color: var(--seen); margin-right: .6em; }
#lines .note { opacity: .6; }
form { display: flex; gap: .5rem; }
input, button { font: inherit; padding: .6rem .9rem; border: 1px solid var(--line); border-radius: .5rem; }
input { flex: 1; min-width: 0; background: transparent; color: inherit; }
button { background: var(--soft); color: inherit; cursor: pointer; }
@media (max-width: 34rem) { header { grid-template-columns: 1fr; } }
`;

const script = `
'use strict';
const at = id => document.getElementById(id);
const lines = at('lines');

function show(text) {
  const line = document.createElement('li');
  const cut = text.indexOf(': ');
  if (cut < 0) {
    line.className = 'note';
    line.textContent = text;
  } else {
    const who = document.createElement('b');
    who.textContent = text.slice(0, cut);
    const words = document.createElement('span');
    words.textContent = text.slice(cut + 2);
    line.append(who, words);
  }
  lines.append(line);
  while (lines.childElementCount > 500) lines.firstElementChild.remove();
  line.scrollIntoView({ block: 'end' });
}

fetch('/whoami').then(answer => answer.json()).then(seen => {
  at('client').textContent = seen.client;
  at('socket').textContent = seen.socketAddress;
  at('how').textContent = seen.forwarded
    ? 'read from X-Forwarded-For, which usher wrote'
    : 'no X-Forwarded-For came: this request went around usher';
}).catch(() => show('the chat does not answer'));

let socket;
let waitMs = 500;
function join() {
  socket = new WebSocket((location.protocol === 'https:' ? 'wss://' : 'ws://') + location.host + '/socket');
  socket.onopen = () => { waitMs = 500; };
  socket.onmessage = event => show(event.data);
  socket.onclose = () => {
    show('the connection ended, trying again');
    setTimeout(join, waitMs * (0.5 + Math.random()));
    waitMs = Math.min(waitMs * 2, 15000);
  };
}
join();

at('say').addEventListener('submit', event => {
  event.preventDefault();
  const words = at('words');
  if (words.value !== '' && socket.readyState === WebSocket.OPEN) {
    socket.send(words.value);
    words.value = '';
  }
});
`;

/** The document, complete. */
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>usher demo chat</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header>
<div><p>The chat sees you as</p><strong id="client">…</strong><p id="how"></p></div>
<div><p>Without usher it would have seen</p><strong id="socket">…</strong><p>the address of its own socket</p></div>
</header>
<ul id="lines" aria-live="polite"></ul>
<form id="say">
<input id="words" maxlength="1000" autocomplete="off" placeholder="Say something" aria-label="Message" autofocus>
<button>Send</button>
</form>
<script>${script}</script>
</body>
</html>
`;

function sourceOf(block: string): string {
  return `'sha256-${createHash('sha256').update(block).digest('base64')}'`;
}

/** Value of `Content-Security-Policy` that lets this document work and nothing else. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src ${sourceOf(style)}`,
  `script-src ${sourceOf(script)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
