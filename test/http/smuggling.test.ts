/** Raw bytes in front of a real usher, and behind it a backend that writes down everything it is made to see. */
import t, { type Test } from 'tap';
import { causes } from '../../src/codes.js';
import { connect, HEADER, type RawClient, serve } from '../support/sockets.js';
import { startUsherBefore } from '../support/usher.js';
import { type Attack, attacks, personalize } from './attacks.js';
import { readStrictly } from './strict-reader.js';

const BATCH = 24;

/** What the backends of one test saw. */
class Sight {
  readonly requests: string[] = [];
  readonly violations: string[] = [];
  /** Beginnings of requests whose connection ended. */
  readonly fragments: string[] = [];

  /** A backend that answers every request with what it saw, or with what `answer` says. */
  watch(client: RawClient, answer?: (startLine: string) => string): void {
    let used = 0;
    client.socket.on('change', () => {
      for (;;) {
        const read = readStrictly(client.text.slice(used), 'request');
        if (read.kind === 'violation') {
          this.violations.push(`${read.why}: ${client.text.slice(used)}`);
          client.socket.destroy();
        }
        if (read.kind !== 'message') break;
        used += read.length;
        const { startLine, body } = read;
        const host = new Map(read.fields).get('host');
        this.requests.push(`${startLine.replace(' HTTP/1.1', '')} ${host} ${body}`);
        client.send(answer?.(startLine) ?? okay(startLine));
      }
      if (client.ending !== 'open' && used < client.text.length) {
        this.fragments.push(client.text.slice(used));
        used = client.text.length;
      }
      if (client.ending === 'fin') client.socket.end();
    });
  }
}

function okay(startLine: string): string {
  const body = `seen ${startLine}`;
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${startLine.startsWith('HEAD ') ? '' : body}`;
}

/** Runs `act` for every case, some at a time. */
async function forAll<Case>(cases: readonly Case[], act: (one: Case) => Promise<void>): Promise<void> {
  for (let from = 0; from < cases.length; from += BATCH) await Promise.all(cases.slice(from, from + BATCH).map(act));
}

/** Sends the attack; resolves with all that the client gets. Where usher should refuse, it must end by itself. */
async function perform(t: Test, port: number, { bytes, code }: Attack): Promise<string> {
  const client = await connect(t, port, HEADER + bytes);
  if (code === undefined) client.socket.end();
  const text = await client.ended();
  client.socket.destroy();
  return text;
}

/** The responses in a text, as status and code of usher's own. */
function answersIn(text: string, requests: readonly string[]): string[] {
  const answers: string[] = [];
  let rest = text;
  for (let index = 0; rest !== ''; index += 1) {
    const read = readStrictly(rest, 'response', requests[index]?.startsWith('HEAD ') ?? false);
    if (read.kind !== 'message') return [...answers, `${read.kind} ${rest}`];
    const [, status = ''] = read.startLine.split(' ');
    const [, code] = /^\d+ ([a-z-]+): /.exec(read.body) ?? [];
    answers.push(code === undefined ? status : `${status} ${code}`);
    rest = rest.slice(read.length);
  }
  return answers;
}

t.test('no backend sees a request that its client did not plainly send', async t => {
  const sight = new Sight();
  const backend = await serve(t, client => sight.watch(client));
  const usher = await startUsherBefore(t, backend.port);
  const cases = attacks.map((attack, index) => personalize(attack, `n${index}n`));
  t.ok(cases.length >= 150, `${cases.length} attacks`);
  t.equal(new Set(cases.map(({ name }) => name)).size, cases.length, 'every attack has a name of its own');
  await forAll(cases, async attack => {
    const text = await perform(t, usher.port, attack);
    const refusal = attack.code === undefined ? [] : [`${causes[attack.code].status} ${attack.code}`];
    const expected = [...attack.sees.map(() => '200'), ...refusal];
    t.strictSame(answersIn(text, attack.sees), expected, attack.name);
  });
  await usher.seen.atRest();
  t.strictSame(sight.violations, [], 'the backend understood every byte');
  for (const [index, { name, sees }] of cases.entries()) {
    const saw = sight.requests.filter(request => request.includes(`n${index}n`));
    t.strictSame(saw, sees, name);
  }
  t.equal(sight.requests.length, cases.flatMap(({ sees }) => sees).length, 'no request is without its attack');
  t.strictSame(
    sight.fragments.filter(fragment => /smuggled|^(?!POST \/n\d+n HTTP)/.test(fragment)),
    [],
    'what a backend saw of a refused body is only its beginning',
  );
});

t.test('an attack that comes byte by byte fares no better', async t => {
  const sight = new Sight();
  const backend = await serve(t, client => sight.watch(client));
  const usher = await startUsherBefore(t, backend.port);
  const some = attacks.filter(({ bytes }) => bytes.length < 400).filter((_, index) => index % 5 === 0);
  const cases = some.map((attack, index) => personalize(attack, `n${index}n`));
  await forAll(cases, async attack => {
    const client = await connect(t, usher.port, HEADER);
    for (const char of attack.bytes) {
      client.send(char);
      await new Promise(setImmediate);
    }
    if (attack.code === undefined) client.socket.end();
    const text = await client.ended();
    client.socket.destroy();
    const refusal = attack.code === undefined ? [] : [`${causes[attack.code].status} ${attack.code}`];
    t.strictSame(answersIn(text, attack.sees), [...attack.sees.map(() => '200'), ...refusal], attack.name);
  });
  await usher.seen.atRest();
  t.strictSame(sight.violations, []);
  for (const [index, { name, sees }] of cases.entries()) {
    t.strictSame(
      sight.requests.filter(request => request.includes(`n${index}n`)),
      sees,
      name,
    );
  }
});

const POISON = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled';

/** A backend's answer, and what its client gets for it: a status (and code), and the body. */
interface Reply {
  readonly name: string;
  readonly bytes: string;
  readonly gets: string;
  readonly method?: string;
}

const refused = '502 backend-response-invalid';
const replies: readonly Reply[] = [
  {
    name: 'RFC 9112 6.3: a length and a coding',
    bytes: `HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${POISON}`,
    gets: refused,
  },
  {
    name: 'RFC 9112 6.3: two lengths',
    bytes: `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n${POISON}`,
    gets: refused,
  },
  {
    name: 'RFC 9112 6.3: the same length twice',
    bytes: `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n${POISON}`,
    gets: refused,
  },
  {
    name: 'RFC 9112 6.3: a list of lengths',
    bytes: `HTTP/1.1 200 OK\r\nContent-Length: 0, 0\r\n\r\n${POISON}`,
    gets: refused,
  },
  { name: 'RFC 9112 6.3: a sign', bytes: `HTTP/1.1 200 OK\r\nContent-Length: +0\r\n\r\n${POISON}`, gets: refused },
  {
    name: 'RFC 9112 6.1: xchunked',
    bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n${POISON}`,
    gets: refused,
  },
  {
    name: 'RFC 9112 6.1: gzip, chunked',
    bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${POISON}`,
    gets: refused,
  },
  {
    name: 'RFC 9112 6.1: chunks in HTTP/1.0',
    bytes: `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${POISON}`,
    gets: refused,
  },
  {
    name: 'RFC 9112 5.1: a space in front of the colon',
    bytes: `HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n${POISON}`,
    gets: refused,
  },
  {
    name: 'RFC 9112 5.2: a folded line',
    bytes: `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n 5\r\n\r\n${POISON}`,
    gets: refused,
  },
  { name: 'RFC 9112 2.2: LF', bytes: `HTTP/1.1 200 OK\nContent-Length: 0\n\n${POISON}`, gets: refused },
  {
    name: 'RFC 9112 2.2: CR in a value',
    bytes: `HTTP/1.1 200 OK\r\nA: b\rContent-Length: 0\r\n\r\n${POISON}`,
    gets: refused,
  },
  {
    name: 'RFC 9110 5.5: a NUL',
    bytes: `HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 0\r\n\r\n${POISON}`,
    gets: refused,
  },
  { name: 'RFC 9112 4: four digits', bytes: `HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n${POISON}`, gets: refused },
  { name: 'RFC 9112 4: HTTP/0.9', bytes: '<html>smuggled</html>', gets: refused },
  { name: 'RFC 9112 4: an empty line in front', bytes: `\r\n${POISON}`, gets: refused },
  {
    name: 'RFC 9110 15.2.2: 101 unasked',
    bytes: `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${POISON}`,
    gets: '502 backend-upgrade-unasked',
  },
  {
    name: 'RFC 9110 15.2: content behind 100',
    bytes: `HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello${POISON}`,
    gets: `100,${refused}`,
  },
  {
    name: 'RFC 9110 15.2: 33 times 103',
    bytes: 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(33),
    gets: `${'103,'.repeat(32)}${refused}`,
  },
  {
    name: 'RFC 9112 6.3: a second response behind the first',
    bytes: `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${POISON}`,
    gets: '200',
  },
  { name: 'RFC 9112 6.3: a body behind the answer to HEAD', bytes: POISON, gets: '200', method: 'HEAD' },
  {
    name: 'RFC 9112 6.3: chunks behind the answer to HEAD',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nsmuggled\r\n0\r\n\r\n',
    gets: '200',
    method: 'HEAD',
  },
  {
    name: 'RFC 9112 6.3: a body behind 204',
    bytes: 'HTTP/1.1 204 No Content\r\nContent-Length: 8\r\n\r\nsmuggled',
    gets: '204',
  },
  {
    name: 'RFC 9112 6.3: chunks behind 204',
    bytes: 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    gets: '204',
  },
  {
    name: 'RFC 9112 6.3: a body behind 304',
    bytes: `HTTP/1.1 304 Not Modified\r\nContent-Length: 8\r\n\r\n${POISON}`,
    gets: '304',
  },
  {
    name: 'RFC 9112 7.1: more behind the last chunk',
    bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${POISON}`,
    gets: '200',
  },
];

t.test('no response reaches another request, and none that two parsers would frame differently', async t => {
  const sight = new Sight();
  const byId = new Map(replies.map((reply, index) => [`n${index}n`, reply]));
  const backend = await serve(t, client =>
    sight.watch(client, startLine => byId.get(/\/(n\d+n) /.exec(startLine)?.[1] ?? '')?.bytes ?? okay(startLine)),
  );
  const usher = await startUsherBefore(t, backend.port);
  await forAll([...byId], async ([id, { name, gets, method = 'GET' }]) => {
    const first = `${method} /${id} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const client = await connect(
      t,
      usher.port,
      `${HEADER}${first}GET /${id}/2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    const text = await client.ended();
    client.socket.destroy();
    t.equal(answersIn(text, [first]).join(), `${gets},200`, name);
    t.ok(text.endsWith(`seen GET /${id}/2 HTTP/1.1`), `${name}: the second request gets its own response`);
    t.notMatch(text, /smuggled/, name);
  });
  t.strictSame(sight.violations, []);
});

/** Faults in the middle of a response: its client must be able to tell that it is not whole. */
const brokenBodies: readonly (readonly [name: string, bytes: string])[] = [
  ['RFC 9112 7.1: a malformed size', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n5 \r\n${POISON}`],
  [
    'RFC 9112 7.1: too short a chunk',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokXX0\r\n\r\n${POISON}`,
  ],
  [
    'RFC 9112 7.1: LF behind a size',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n${POISON}`,
  ],
  [
    'RFC 9110 6.5: a length as trailer',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 5\r\n\r\n',
  ],
  [
    'RFC 9110 6.5: a cookie as trailer',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nSet-Cookie: a=b\r\n\r\n',
  ],
];

t.test('a response that breaks in its middle never looks whole', async t => {
  const backend = await serve(t, client =>
    new Sight().watch(client, startLine => brokenBodies[Number(/\/(\d+) /.exec(startLine)?.[1])]?.[1] ?? ''),
  );
  const usher = await startUsherBefore(t, backend.port);
  await forAll([...brokenBodies.entries()], async ([index, [name]]) => {
    const client = await connect(t, usher.port, `${HEADER}GET /${index} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const text = await client.ended();
    client.socket.destroy();
    t.equal(readStrictly(text, 'response').kind, 'more', name);
    t.notMatch(text, /smuggled/, name);
  });
});
