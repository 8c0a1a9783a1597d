/** No request serves twice: on a handle of our own, because real ones take a write in two steps too rarely. */
import t from 'tap';
import { type DirectHandle, learnToWrite, writeDirectly } from '../src/handle.js';

/** As Node's: it must not be used again while a write is under way with it. */
class Request {
  underWay = false;
  oncomplete: ((status: number) => void) | undefined;
}

/** What the system does with the next write. */
type Mood = 'takes all' | 'takes all in two steps' | 'takes a part' | 'fails';

class Handle implements DirectHandle {
  bytesRead = 0;
  bytesWritten = 0;
  writeQueueSize = 0;
  onread = () => undefined;
  mood: Mood = 'takes all';
  readonly requests: Request[] = [];

  writeBuffer(request: unknown): number {
    const made = request as Request;
    if (made.underWay) throw new Error('this request is under way: Node would end the process');
    this.requests.push(made);
    if (this.mood === 'fails') return -32;
    made.underWay = this.mood !== 'takes all';
    this.writeQueueSize = this.mood === 'takes a part' ? 10 : 0;
    return 0;
  }
}

const USER = { seen: 0, takeCount: () => undefined, sent() {} };
const BYTES = Buffer.from('hello');

t.test('each write has a request of its own, whatever became of the one before', async t => {
  const handle = new Handle();
  t.equal(writeDirectly(handle, BYTES, USER), 'untouched', 'nobody has shown how it is done');
  learnToWrite(handle);
  handle.writeBuffer(new Request());
  const moods = ['takes all', 'takes all in two steps', 'takes all', 'takes a part', 'fails', 'takes all'] as const;
  const outcomes = moods.map(mood => {
    handle.mood = mood;
    return writeDirectly(handle, BYTES, USER);
  });
  t.same(outcomes, ['taken', 'taken', 'taken', 'queued', 'untouched', 'taken']);
  t.equal(new Set(handle.requests).size, 1 + moods.length);
  t.type(handle.requests[4]?.oncomplete, 'function', 'the one that is told of later');
});
