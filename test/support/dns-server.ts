/**
 * A name server on the loopback address that answers from a table (RFC 1035): A, AAAA (RFC 3596) and SRV (RFC 2782), over
 * UDP, and over TCP what doesn't fit a datagram of the size that the question allows (RFC 6891).
 */
import dgram from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import type { Test } from 'tap';

export interface Srv {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** Records in the order in which they are sent, or what is said instead; `silent` says nothing at all. */
export type DnsAnswer = readonly string[] | readonly Srv[] | 'NXDOMAIN' | 'SERVFAIL' | 'silent';

const HEADER_BYTES = 12;
const TYPES: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA', 33: 'SRV' };
const TYPE_OPT = 41;
const CLASS_IN = 1;
const NOERROR = 0;
const FORMERR = 1;
const SERVFAIL = 2;
const NXDOMAIN = 3;
/** A response that has been truncated (TC). */
const TRUNCATED = 0x0200;
/** A response (QR) to a question that wanted recursion (RD), which is on offer (RA). */
const RESPONSE = 0x8180;
const UDP_BYTES = 512;
const TCP_BYTES = 65_535;
/** Points to the name of the question. */
const NAME_POINTER = 0xc00c;
const OPT = Buffer.from([0, 0, TYPE_OPT, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);

interface Question {
  readonly id: number;
  /** `A chat.test`, the name in lower case. */
  readonly text: string;
  readonly type: number;
  /** The question section as it came. */
  readonly section: Buffer;
  readonly edns: boolean;
  /** What the asker takes by UDP. */
  readonly udpBytes: number;
}

export class DnsServer {
  /** What was asked, in order; by TCP again what was truncated by UDP: `tcp A chat.test`. */
  readonly questions: string[] = [];
  private readonly table = new Map<string, { readonly answer: DnsAnswer; readonly ttl: number }>();
  private readonly events = new EventEmitter();
  private readonly tcp = net.createServer(socket => this.serve(socket));
  private readonly udp = dgram.createSocket('udp4');
  private readonly sockets = new Set<net.Socket>();

  /** For `dns.setServers`. */
  get address(): string {
    return `127.0.0.1:${(this.tcp.address() as AddressInfo).port}`;
  }

  /**
   * Sets what is said to a question, `A chat.test`. A name of which nothing is set doesn't exist (NXDOMAIN); one that has
   * records of other types only has no data.
   * @param ttl seconds
   */
  set(question: string, answer: DnsAnswer, ttl = 60): void {
    this.table.set(question, { answer, ttl });
  }

  /** Resolves when `question` is asked next. */
  async asked(question: string): Promise<void> {
    await once(this.events, question);
  }

  async listen(): Promise<void> {
    this.udp.on('message', (message, { port, address }) => {
      const reply = this.reply(message, 'udp');
      if (reply !== undefined) this.udp.send(reply, port, address);
    });
    for (;;) {
      await once(this.tcp.listen(0, '127.0.0.1'), 'listening');
      if (await this.bindUdp((this.tcp.address() as AddressInfo).port)) return;
      await new Promise(resolve => this.tcp.close(resolve));
    }
  }

  close(): void {
    this.udp.close();
    this.tcp.close();
    for (const socket of this.sockets) socket.destroy();
  }

  /** Whether the port was free; UDP has its own. */
  private bindUdp(port: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException) => {
        this.udp.off('listening', onListening);
        if (error.code === 'EADDRINUSE') resolve(false);
        else reject(error);
      };
      const onListening = () => {
        this.udp.off('error', onError);
        resolve(true);
      };
      this.udp.once('error', onError).once('listening', onListening).bind(port, '127.0.0.1');
    });
  }

  /** Each message has its length in front (RFC 1035 4.2.2). */
  private serve(socket: net.Socket): void {
    let bytes = Buffer.alloc(0);
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (piece: Buffer) => {
      bytes = Buffer.concat([bytes, piece]);
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE()) {
        const end = 2 + bytes.readUInt16BE();
        const reply = this.reply(bytes.subarray(2, end), 'tcp');
        if (reply !== undefined) socket.write(Buffer.concat([u16(reply.length), reply]));
        bytes = bytes.subarray(end);
      }
    });
  }

  /** Undefined: nothing is said. */
  private reply(message: Buffer, way: 'udp' | 'tcp'): Buffer | undefined {
    const question = readQuestion(message);
    if (question === undefined) {
      this.questions.push('malformed');
      return message.length < 2 ? undefined : header(message.readUInt16BE(), RESPONSE | FORMERR, 0, 0, 0);
    }
    this.questions.push(way === 'udp' ? question.text : `tcp ${question.text}`);
    this.events.emit(question.text);
    const { answer, ttl } = this.table.get(question.text) ?? { answer: this.emptyAnswer(question), ttl: 0 };
    if (answer === 'silent') return undefined;
    if (answer === 'SERVFAIL') return respond(question, SERVFAIL, []);
    if (answer === 'NXDOMAIN') return respond(question, NXDOMAIN, []);
    const whole = respond(
      question,
      NOERROR,
      answer.map(record => resource(question.type, ttl, record)),
    );
    const most = way === 'tcp' ? TCP_BYTES : question.udpBytes;
    return whole.length <= most ? whole : respond(question, NOERROR | TRUNCATED, []);
  }

  private emptyAnswer({ text }: Question): DnsAnswer {
    const name = text.slice(text.indexOf(' '));
    return [...this.table.keys()].some(key => key.endsWith(name)) ? [] : 'NXDOMAIN';
  }
}

/** A server that ends with the test. */
export async function dnsServer(t: Test): Promise<DnsServer> {
  const server = new DnsServer();
  await server.listen();
  t.teardown(() => server.close());
  return server;
}

/** One question in a standard query with nothing behind it but an OPT record; undefined for anything else. */
function readQuestion(message: Buffer): Question | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const [id = 0, flags = 0, questions, answers, authorities, additional = 0] = new Array(6)
    .fill(0)
    .map((_, index) => message.readUInt16BE(2 * index));
  if ((flags & 0xf800) !== 0 || questions !== 1 || answers !== 0 || authorities !== 0 || additional > 1)
    return undefined;
  const name = readName(message, HEADER_BYTES);
  if (name === undefined || message.length < name.end + 4) return undefined;
  const type = message.readUInt16BE(name.end);
  if (message.readUInt16BE(name.end + 2) !== CLASS_IN) return undefined;
  const end = name.end + 4;
  const udpBytes = additional === 1 ? readOpt(message.subarray(end)) : message.length === end ? UDP_BYTES : undefined;
  if (udpBytes === undefined) return undefined;
  const section = message.subarray(HEADER_BYTES, end);
  return { id, text: `${TYPES[type] ?? type} ${name.text}`, type, section, edns: additional === 1, udpBytes };
}

/** Labels of 1 to 63 bytes, 255 in total, none compressed (RFC 1035 3.1). */
function readName(message: Buffer, offset: number): { readonly text: string; readonly end: number } | undefined {
  const labels: string[] = [];
  let at = offset;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63 || at + length >= message.length || at - offset > 254) return undefined;
    at += 1;
    if (length === 0) return { text: labels.join('.').toLowerCase(), end: at };
    labels.push(message.toString('latin1', at, at + length));
    at += length;
  }
}

/** The size of datagrams that a question takes (RFC 6891 6.1.2), undefined where this is no OPT record. */
function readOpt(record: Buffer): number | undefined {
  if (record.length < OPT.length || record[0] !== 0 || record.readUInt16BE(1) !== TYPE_OPT) return undefined;
  if (record.length !== OPT.length + record.readUInt16BE(9)) return undefined;
  return Math.max(UDP_BYTES, record.readUInt16BE(3));
}

function respond(question: Question, flags: number, records: readonly Buffer[]): Buffer {
  const head = header(question.id, RESPONSE | flags, 1, records.length, question.edns ? 1 : 0);
  return Buffer.concat([head, question.section, ...records, ...(question.edns ? [OPT] : [])]);
}

function header(id: number, flags: number, questions: number, answers: number, additional: number): Buffer {
  return u16(id, flags, questions, answers, 0, additional);
}

function resource(type: number, ttl: number, record: string | Srv): Buffer {
  const data = typeof record === 'string' ? addressBytes(record) : srvBytes(record);
  return Buffer.concat([u16(NAME_POINTER, type, CLASS_IN, ttl >>> 16, ttl & 0xffff, data.length), data]);
}

function srvBytes({ priority, weight, port, target }: Srv): Buffer {
  const labels = target === '.' ? [] : target.split('.');
  const name = labels.map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([u16(priority, weight, port), ...name, Buffer.from([0])]);
}

/** A dotted quad, or groups with at most one `::`. */
function addressBytes(text: string): Buffer {
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  const [before = [], after = []] = text.split('::').map(part => (part === '' ? [] : part.split(':')));
  const zeros = new Array<string>(8 - before.length - after.length).fill('0');
  return u16(...[...before, ...zeros, ...after].map(group => Number.parseInt(group, 16)));
}

function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt16BE(value, 2 * index);
  });
  return bytes;
}
