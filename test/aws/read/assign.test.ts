/** Whose a document is that does not say so. */
import t from 'tap';
import { type Assignment, type InputFile, readEstate } from '../../../src/aws/read/read-estate.js';
import {
  BALANCER_ARN,
  classicAttributes,
  classics,
  file,
  LISTENER_ARN,
  listenerAttributes,
  policies,
  targetGroup,
  targetGroupArn,
  targetGroupAttributes,
  targetGroups,
  targetHealth,
} from './outputs.js';

interface Case {
  readonly name: string;
  readonly files: readonly InputFile[];
  readonly assignments?: readonly Assignment[];
  /** `thing file` of all that was assigned. */
  readonly expect: readonly string[];
  readonly gaps?: readonly (string | RegExp)[];
  readonly problems?: readonly string[];
}

const on = targetGroupAttributes();
const two = file('tg', targetGroups('chat', 'chat-blue'));
const balancers = file('clb', {
  LoadBalancerDescriptions: [...classics('chat').LoadBalancerDescriptions, ...classics('web').LoadBalancerDescriptions],
});
const listenerOn = (port: number, protocol: string, id: string) => ({
  ListenerArn: LISTENER_ARN.replace(/\w+$/, id),
  LoadBalancerArn: BALANCER_ARN,
  Port: port,
  Protocol: protocol,
});
const doors = file('listeners', { Listeners: [listenerOn(443, 'TLS', 'aaaa'), listenerOn(80, 'TCP', 'bbbb')] });
const unsaid = (of: string, what: string, option: string, name: string) =>
  `nothing tells which ${of} these ${what} are of: say it with ${option}=${name}`;
const unsaidGroup = (name: string, what = 'attributes') => unsaid('target group', what, '--target-group ARN', name);

const cases: readonly Case[] = [
  {
    name: 'a file that is named after two things is of neither',
    files: [
      file('tg', targetGroups('chat', 'production', 'web')),
      file('production-chat.json', on),
      file('chat-web', on),
    ],
    expect: [],
    gaps: [unsaidGroup('production-chat.json'), unsaidGroup('chat-web')],
  },
  {
    name: 'a file that is named after a thing that it cannot be of is not of another either',
    files: [
      file('tg', { TargetGroups: [targetGroup('chat'), targetGroup('web', { Protocol: 'HTTP' })] }),
      file('web.json', on),
    ],
    expect: [],
    gaps: [unsaidGroup('web.json')],
  },
  {
    name: 'the only target group',
    files: [file('x', on), file('tg', targetGroups('chat')), file('y', targetHealth())],
    expect: ['chat attributes x', 'chat targets y'],
  },
  { name: 'one of two: not known', files: [file('x', on), two], expect: [], gaps: [unsaidGroup('x')] },
  {
    name: 'the shell needs quotes around the name of the file',
    files: [file("a b's", on), two],
    expect: [],
    gaps: [unsaidGroup("'a b'\\''s'")],
  },
  {
    name: 'two documents for one target group: not known',
    files: [file('x', on), file('y', targetGroupAttributes('false')), file('tg', targetGroups('chat'))],
    expect: [],
    gaps: [unsaidGroup('x'), unsaidGroup('y')],
  },
  {
    name: 'the only target group has been named already',
    files: [file('chat', on), file('y', on), file('tg', targetGroups('chat'))],
    expect: ['chat attributes chat'],
    gaps: [unsaidGroup('y')],
  },
  {
    name: 'the name of the file: the longest match',
    files: [
      two,
      file('dir/attributes-Chat_Blue.json', on),
      file('chat.json', on),
      file('health-chat-blue.json', targetHealth()),
    ],
    expect: [
      'chat attributes chat.json',
      'chat-blue attributes dir/attributes-Chat_Blue.json',
      'chat-blue targets health-chat-blue.json',
    ],
  },
  {
    name: 'the name of the file: whole words only, and the folder is none of it',
    files: [two, file('chat/attributes.json', on), file('chatty.json', on)],
    expect: [],
    gaps: [unsaidGroup('chat/attributes.json'), unsaidGroup('chatty.json')],
  },
  {
    name: 'the name of the file: the end of the ARN, and the whole of it',
    files: [
      file('tg', {
        TargetGroups: [targetGroup('a'), targetGroup('b', { TargetGroupArn: 'arn:x:targetgroup/b/beef' })],
      }),
      file('x-beef.json', on),
      file(`${targetGroupArn('a').replace(/\W/g, '_')}`, on),
    ],
    expect: [`a attributes ${targetGroupArn('a').replace(/\W/g, '_')}`, 'b attributes x-beef.json'],
  },
  {
    name: 'the name of the file: a target group that is called as the command',
    files: [file('tg', targetGroups('target', 'app')), file('target-group-attributes-app', on)],
    expect: ['app attributes target-group-attributes-app'],
  },
  {
    name: 'the name of the file: ambiguous',
    files: [file('tg', targetGroups('one', 'two')), file('one-two.json', on)],
    expect: [],
    gaps: [unsaidGroup('one-two.json')],
  },
  {
    name: 'an assignment comes before the name of the file',
    files: [two, file('chat.json', on)],
    assignments: [{ of: 'chat-blue', file: './chat.json' }],
    expect: ['chat-blue attributes chat.json'],
  },
  {
    name: 'an assignment by ARN',
    files: [two, file('x', on)],
    assignments: [{ of: targetGroupArn('chat'), file: 'x' }],
    expect: ['chat attributes x'],
  },
  {
    name: 'one document of two target groups',
    files: [two, file('x', on)],
    assignments: [
      { of: 'chat', file: 'x' },
      { of: 'chat-blue', file: 'x' },
    ],
    expect: ['chat attributes x', 'chat-blue attributes x'],
  },
  {
    name: 'two documents in one file, in the order of the assignments',
    files: [two, file('x', JSON.stringify(on) + JSON.stringify(targetGroupAttributes('false')))],
    assignments: [
      { of: 'chat-blue', file: 'x' },
      { of: 'chat', file: 'x' },
    ],
    expect: ['chat attributes x', 'chat-blue attributes x'],
  },
  {
    name: 'two documents in one file and one assignment',
    files: [two, file('chat', JSON.stringify(on) + JSON.stringify(targetGroupAttributes('false')))],
    assignments: [{ of: 'chat', file: 'chat' }],
    expect: [],
    gaps: [/save each output in a file of its own, and say it with --target-group ARN=FILE$/, /FILE$/],
  },
  {
    name: 'two files of one target group: the later counts',
    files: [two, file('x', on), file('y', targetGroupAttributes('false'))],
    assignments: [
      { of: 'chat', file: 'x' },
      { of: 'chat', file: 'y' },
    ],
    expect: ['chat attributes y'],
    gaps: [
      'there are two descriptions of the attributes of the target group "targetgroup/chat/73e2d6bc24d8a067": that in y counts, and this one was left out',
    ],
  },
  {
    name: 'only one of the target groups can have a PROXY header',
    files: [
      file('tg', { TargetGroups: [targetGroup('web', { Protocol: 'HTTP' }), targetGroup('chat')] }),
      file('x', on),
    ],
    expect: ['chat attributes x'],
  },
  {
    name: 'targets: by their port, and by what they are',
    files: [
      file('tg', {
        TargetGroups: [
          targetGroup('a', { Port: 1 }),
          targetGroup('b', { Port: 2 }),
          targetGroup('c', { Port: 2, TargetType: 'instance' }),
        ],
      }),
      file('x', targetHealth(2)),
      file('y', { TargetHealthDescriptions: [{ Target: { Id: 'i-0123', Port: 3 } }] }),
    ],
    expect: ['b targets x', 'c targets y'],
  },
  {
    name: 'targets: none are nobody’s',
    files: [two, file('x', { TargetHealthDescriptions: [] })],
    expect: [],
    gaps: [unsaidGroup('x', 'targets')],
  },
  {
    name: 'no target group at all',
    files: [file('x', on)],
    expect: [],
    gaps: [
      'no file describes the target group that these attributes are of: add the output of aws elbv2 describe-target-groups',
    ],
  },
  {
    name: 'listeners: by name and port, by the end of the ARN',
    files: [doors, file('listener-chat-443.json', listenerAttributes), file('bbbb.json', listenerAttributes)],
    expect: ['443 attributes listener-chat-443.json', '80 attributes bbbb.json'],
  },
  {
    name: 'listeners: by an assignment',
    files: [doors, file('x', listenerAttributes), file('y', listenerAttributes)],
    assignments: [
      { of: LISTENER_ARN.replace(/\w+$/, 'aaaa'), file: 'x' },
      { of: 'chat:80', file: 'y' },
    ],
    expect: ['443 attributes x', '80 attributes y'],
  },
  {
    name: 'listeners: attributes of TCP are not of HTTP',
    files: [
      file('l', { Listeners: [listenerOn(80, 'HTTP', 'a'), listenerOn(81, 'TCP', 'b')] }),
      file('x', listenerAttributes),
      file('y', { Attributes: [{ Key: 'routing.http.response.server.enabled', Value: 'true' }] }),
    ],
    expect: ['80 attributes y', '81 attributes x'],
  },
  {
    name: 'listeners: the name of the balancer is not enough for two',
    files: [doors, file('chat', listenerAttributes)],
    expect: [],
    gaps: [unsaid('listener', 'attributes', '--listener ARN', 'chat')],
  },
  {
    name: 'classic: policies and attributes by the names of files',
    files: [balancers, file('chat-attributes', classicAttributes()), file('policies-web.json', policies())],
    expect: ['chat times chat-attributes', 'web policies policies-web.json'],
  },
  {
    name: 'classic: both have a policy of this name',
    files: [balancers, file('x', policies()), file('y', classicAttributes())],
    expect: [],
    gaps: [
      unsaid('Classic Load Balancer', 'policies', '--load-balancer NAME', 'x'),
      unsaid('Classic Load Balancer', 'attributes', '--load-balancer NAME', 'y'),
    ],
  },
  {
    name: 'classic: one has the policy',
    files: [
      file('clb', {
        LoadBalancerDescriptions: [
          { LoadBalancerName: 'bare' },
          { LoadBalancerName: 'chat', BackendServerDescriptions: [{ InstancePort: 1, PolicyNames: ['proxy-on'] }] },
        ],
      }),
      file('x', policies()),
    ],
    expect: ['chat policies x'],
  },
  {
    name: 'classic: policies that AWS has for all are nobody’s',
    files: [
      file('clb', { LoadBalancerDescriptions: [{ LoadBalancerName: 'chat' }] }),
      file('x', policies('ELBSample-x')),
    ],
    expect: [],
    gaps: [unsaid('Classic Load Balancer', 'policies', '--load-balancer NAME', 'x')],
  },
  {
    name: 'classic: policies of another balancer',
    files: [file('clb', classics()), file('x', policies('other'))],
    expect: [],
    gaps: [unsaid('Classic Load Balancer', 'policies', '--load-balancer NAME', 'x')],
  },
  {
    name: 'classic: attributes with a name inside, as modify-load-balancer-attributes prints them',
    files: [
      balancers,
      file('x', { LoadBalancerName: 'web', ...classicAttributes() }),
      file('y', { LoadBalancerName: 'gone', ...classicAttributes() }),
    ],
    expect: ['web times x'],
    gaps: [unsaid('Classic Load Balancer', 'attributes', '--load-balancer NAME', 'y')],
  },
  {
    name: 'attributes of a load balancer of the second generation do not matter',
    files: [two, file('x', { Attributes: [{ Key: 'load_balancing.cross_zone.enabled', Value: 'true' }] })],
    expect: [],
  },
  {
    name: 'assignments that come to nothing',
    files: [file('tg', { TargetGroups: [targetGroup('a'), targetGroup('a', { TargetGroupArn: 'b' })] }), file('x', on)],
    assignments: [
      { of: 'a', file: 'x' },
      { of: 'none', file: 'x' },
      { of: 'b', file: 'gone' },
      { of: 'b', file: 'tg' },
    ],
    expect: [],
    gaps: [unsaidGroup('x')],
    problems: [
      'x: is said to be of "a", and there are several of this name: give the ARN',
      'x: is said to be of "none", and no file describes such a thing',
      'gone: is said to be of "b", and is not among the files',
      'tg: is said to be of "b", and holds nothing that can be of it',
    ],
  },
];

/** `chat attributes x`, sorted. */
function assigned(files: readonly InputFile[], assignments: readonly Assignment[] | undefined) {
  const { estate, problems } = readEstate(files, assignments);
  const things = [
    ...estate.classics.map(({ name, policies, idleTimeout }) => ({
      name,
      policies: policies?.[0],
      times: idleTimeout,
    })),
    ...estate.listeners.map(({ port, attributes }) => ({ name: port, attributes: attributes?.values().next().value })),
    ...estate.targetGroups.map(({ name, attributes, targets }) => ({
      name,
      attributes: attributes?.values().next().value,
      targets: targets?.[0],
    })),
  ];
  const found = things.flatMap(({ name, ...parts }) =>
    Object.entries(parts).flatMap(([part, given]) => (given ? `${name} ${part} ${given.at.file}` : [])),
  );
  return { found: found.sort(), gaps: estate.gaps.map(({ message }) => message), problems };
}

for (const { name, files, assignments, expect, gaps = [], problems = [] } of cases) {
  t.test(name, async t => {
    const answer = assigned(files, assignments);
    t.strictSame(answer.found, expect);
    t.equal(answer.gaps.length, gaps.length, answer.gaps.join('\n'));
    for (const [index, gap] of gaps.entries()) t.match(answer.gaps[index], gap);
    t.strictSame(
      answer.problems.map(({ file, message }) => `${file}: ${message}`),
      problems,
    );
  });
}
