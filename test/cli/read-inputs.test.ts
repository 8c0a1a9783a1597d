import { join } from 'node:path';
import { Readable } from 'node:stream';
import t from 'tap';
import { readInputs } from '../../src/cli/read-inputs.js';

const nothing = () => Readable.from([]);

function textsOf(files: readonly { name: string; bytes: Uint8Array }[]): Record<string, string> {
  return Object.fromEntries(files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]));
}

t.test('files are read in the order of their names, each once', async t => {
  const dir = t.testdir({ 'a.json': '{"a":1}', b: 'b' });
  const [a, b] = [join(dir, 'a.json'), join(dir, 'b')];
  const { files, problems } = await readInputs([b, a, b], nothing());
  t.strictSame(
    files.map(file => file.name),
    [b, a],
  );
  t.strictSame(textsOf(files), { [a]: '{"a":1}', [b]: 'b' });
  t.strictSame(problems, []);
});

t.test('- is standard input', async t => {
  const { files } = await readInputs(['-', '-'], Readable.from([Buffer.from('{}'), '\n']));
  t.strictSame(textsOf(files), { '-': '{}\n' });
});

t.test('of a directory the JSON and YAML files count, in order, and not the one that is left out', async t => {
  const dir = t.testdir({
    'z.yml': 'z',
    'b.JSON': 'b',
    'a.yaml': 'a',
    'notes.txt': 'n',
    'usher.yaml': 'u',
    'more.json': { 'deep.json': '{}' },
  });
  const { files, problems } = await readInputs([dir, join(dir, 'a.yaml')], nothing(), join(dir, '.', 'usher.yaml'));
  t.strictSame(
    files.map(file => file.name),
    ['a.yaml', 'b.JSON', 'z.yml'].map(name => join(dir, name)),
  );
  t.strictSame(problems, []);
});

t.test('what cannot be read is told in a sentence, and the rest is read', async t => {
  const dir = t.testdir({ 'a.json': '{}', empty: {} });
  const names = ['gone.json', join(dir, 'a.json', 'below'), join(dir, 'empty'), join(dir, 'a.json')];
  const { files, problems } = await readInputs(names, nothing());
  t.strictSame(
    files.map(file => file.name),
    [join(dir, 'a.json')],
  );
  t.strictSame(problems, [
    { file: names[0], document: 0, line: 0, message: 'there is no such file: check the path' },
    { file: names[1], document: 0, line: 0, message: 'a part of this path is not a directory: check the path' },
    {
      file: names[2],
      document: 0,
      line: 0,
      message: 'the directory holds no *.json, *.yaml or *.yml file: name others',
    },
  ]);
});

t.test('sizes are bounded', async t => {
  const dir = t.testdir({ 'four.json': '1234', 'five.json': '12345' });
  const limits = { fileBytes: 4, filesInDirectory: 1, allBytes: 6 };
  const read = (name: string, input = nothing()) => readInputs([name], input, undefined, limits);
  t.equal((await read(join(dir, 'four.json'))).files.length, 1);
  t.match((await read(join(dir, 'five.json'))).problems, [
    { file: /five\.json$/, message: /^this is longer than 4 bytes/ },
  ]);
  t.match((await read('-', Readable.from(['123', '45']))).problems, [
    { file: '-', message: /^this is longer than 4 bytes/ },
  ]);
  t.match((await read(dir)).problems, [{ message: /^the directory holds 2 files, more than 1/ }]);
});

t.test('all files together are bounded, and what there is no room for is told', async t => {
  const dir = t.testdir({ 'a.json': '123', 'b.json': '456', 'c.json': '7', 'd.json': '8' });
  const limits = { fileBytes: 4, filesInDirectory: 9, allBytes: 7 };
  const { files, problems } = await readInputs([dir], nothing(), undefined, limits);
  t.equal(files.length, 3);
  t.match(problems, [{ file: /d\.json$/, message: /^with this the files are longer than 7 bytes: give fewer/ }]);
});

t.test('a symbolic link to nothing in a directory is told, and the other files are read', async t => {
  const dir = t.testdir({
    'a.json': '{}',
    'gone.json': t.fixture('symlink', 'nowhere'),
    'around.json': t.fixture('symlink', 'around.json'),
    itself: t.fixture('symlink', '.'),
  });
  const { files, problems } = await readInputs([dir], nothing());
  t.strictSame(
    files.map(file => file.name),
    [join(dir, 'a.json')],
  );
  t.match(problems, [
    { file: /around\.json$/, message: /^the symbolic links of this path lead in a circle/ },
    { file: /gone\.json$/, message: /^there is no such file/ },
  ]);
});
