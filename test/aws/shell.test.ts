import t from 'tap';
import { command, shellWord } from '../../src/aws/shell.js';

t.test('words are quoted where a shell would read more into them', async t => {
  const cases: readonly (readonly [string, string])[] = [
    ['chat', 'chat'],
    [
      'arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/chat/0123',
      'arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/chat/0123',
    ],
    ['', "''"],
    ['a b', "'a b'"],
    ["it's", "'it'\\''s'"],
    ['$(reboot)', "'$(reboot)'"],
    ['a\nreboot\u001b[2J', "'areboot[2J'"],
    ['*', "'*'"],
  ];
  for (const [text, expected] of cases) t.equal(shellWord(text), expected);
  t.equal(command`aws elb x --name ${'a b'} --port ${80}`, "aws elb x --name 'a b' --port 80");
});
