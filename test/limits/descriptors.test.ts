/** Few files may still be opened: which listeners pause, and when they go on. */
import t from 'tap';
import { Descriptors, descriptorsFor, type Pausable } from '../../src/limits/descriptors.js';
import { outgoing } from '../../src/transport.js';

const LIMIT = 320;

class Room implements Pausable {
  pauses = 0;
  resumes = 0;
  fails = false;

  pause(): void {
    this.pauses += 1;
  }

  async resume(): Promise<void> {
    if (this.fails) throw new Error('EADDRINUSE');
    this.resumes += 1;
  }
}

/** A process of 20 files besides its connections. */
function house() {
  const state = { connections: 0, others: 20, asked: 0 };
  const files = {
    limit: LIMIT,
    count: () => {
      state.asked += 1;
      return state.others + state.connections + outgoing.open;
    },
  };
  const rooms = [new Room(), new Room()] as const;
  const descriptors = new Descriptors(
    files,
    () => state.connections,
    () => rooms,
  );
  const accept = (room: Room, count = 1) => {
    for (let i = 0; i < count; i += 1) {
      state.connections += 1;
      descriptors.accepted(room);
    }
  };
  return { state, rooms, descriptors, accept };
}

t.afterEach(() => {
  outgoing.open = 0;
});

t.test('a listener pauses when connections that are there could use up the rest, and the others go on', async t => {
  const { state, rooms, accept } = house();
  const [one, other] = rooms;
  // 20 others, 32 spare, and a quarter of the limit for connections that have not dialled: 188 are left.
  accept(one, 187);
  t.equal(one.pauses, 0);
  accept(one);
  t.equal(one.pauses, 1);
  t.equal(other.pauses, 0);
  accept(other);
  t.same([one.pauses, other.pauses], [1, 1], 'each with its own next connection, and once');
  t.equal(state.connections, 189);
});

t.test('a connection that has its backend connection needs no place for one', async t => {
  const { state, rooms, accept } = house();
  const [room] = rooms;
  state.connections = 132;
  outgoing.open = 132;
  accept(room);
  t.equal(room.pauses, 0);
  outgoing.open += 1;
  accept(room);
  t.equal(room.pauses, 1, '20 + 134 + 133, one that may dial, and 32 spare');
});

t.test('it goes on when a thirty-second is free again, looked at once a second', async t => {
  const { state, rooms, accept, descriptors } = house();
  const [room] = rooms;
  accept(room, 188);
  descriptors.onDeadline(10_000);
  t.equal(room.resumes, 0);
  const { asked } = state;
  state.connections -= 9;
  descriptors.onDeadline(11_000);
  t.equal(room.resumes, 0, 'not for nine');
  state.connections -= 1;
  descriptors.onDeadline(11_250);
  t.equal(room.resumes, 0, 'not before its time');
  descriptors.onDeadline(12_000);
  t.equal(room.resumes, 1);
  t.equal(state.asked, asked + 2);
  accept(room, 10);
  t.equal(room.pauses, 2, 'and pauses again');
});

t.test('what the system says corrects what was counted', async t => {
  const { state, rooms, accept, descriptors } = house();
  const [room] = rooms;
  accept(room, 100);
  state.others = 100;
  descriptors.onDeadline(10_000);
  accept(room, 8);
  t.equal(room.pauses, 0, 'less than half was known to be open, so nobody asked');
  accept(room, 60);
  descriptors.onDeadline(20_000);
  t.equal(descriptors.open, 100 + 168);
  accept(room);
  t.equal(room.pauses, 1);
});

t.test('a dial for which there was no descriptor pauses every listener for a second', async t => {
  const { rooms, accept, descriptors } = house();
  accept(rooms[0]);
  descriptors.onDeadline(5_000);
  outgoing.starved += 1;
  descriptors.onDeadline(5_250);
  t.same(
    rooms.map(({ pauses }) => pauses),
    [1, 1],
  );
  descriptors.onDeadline(6_000);
  t.equal(rooms[0].resumes, 0);
  descriptors.onDeadline(6_250);
  t.same(
    rooms.map(({ resumes }) => resumes),
    [1, 1],
  );
});

t.test('so does an accept that failed, of its listener', async t => {
  const { rooms, descriptors } = house();
  for (const code of ['EMFILE', 'ENFILE', 'ECONNABORTED'])
    descriptors.acceptFailed(rooms[0], Object.assign(new Error(code), { code }));
  t.same(
    rooms.map(({ pauses }) => pauses),
    [1, 0],
  );
});

t.test('a port that cannot be had again is tried again', async t => {
  const { state, rooms, accept, descriptors } = house();
  const [room] = rooms;
  accept(room, 188);
  state.connections = 0;
  room.fails = true;
  descriptors.onDeadline(10_000);
  await Promise.resolve();
  room.fails = false;
  descriptors.onDeadline(11_000);
  t.equal(room.resumes, 1);
  t.equal(room.pauses, 1, 'and that is no second pause');
});

t.test('without a connection it goes on, however few descriptors there are', async t => {
  const { state, rooms, accept, descriptors } = house();
  state.others = LIMIT;
  accept(rooms[0], 188);
  state.connections = 0;
  descriptors.onDeadline(10_000);
  t.equal(rooms[0].resumes, 1);
});

t.test('how many files a configuration needs', async t => {
  t.equal(descriptorsFor(20_000, 256, 64), 40_352);
});
