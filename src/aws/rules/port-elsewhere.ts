/** Balancers in the files that have nothing to do with usher. */
import type { Finding, Rule } from '../finding.js';
import type { Elsewhere } from '../scope.js';
import { listed } from '../words.js';

const MOST_PLACES = 3;

export const portElsewhere: Rule = {
  id: 'port-elsewhere',
  severity: 'note',
  title: 'Balancers in these files send to no port of usher, and nothing else is said of them',
  story: `describe-load-balancers without a name prints every balancer of the account and region, those of
other teams too. At least one balancer in these files sends to a port on which usher listens. The
others do not, so they are taken for somebody else's: no rule looks at them, and whatever may be
wrong with them is not told here.

    balancer chat     ──► 8080, usher's listener chat
    balancer payments ──► 8000                          not looked at
    balancer jenkins  ──► 50000                         not looked at

What decides is the port alone, because no file says on which machines usher runs. So the opposite
happens too: a balancer of another team that uses the same number, 8080 say, is taken for one of
usher's, and gets findings that mean nothing.

If one of the balancers that are named should send to usher, its port is wrong: compare it with
listen in usher's configuration. Otherwise all is well. For a shorter report give only the files of
usher's own balancer:

    aws elb describe-load-balancers --load-balancer-names chat
    aws elbv2 describe-load-balancers --names chat`,
  *check({ elsewhere = [] }) {
    const [first, ...others] = elsewhere;
    if (first !== undefined) yield finding(first, others);
  },
};

function finding(first: Elsewhere, others: readonly Elsewhere[]): Finding {
  const names = [first, ...others].map(({ name }) => name);
  const one = others.length === 0;
  return {
    rule: 'port-elsewhere',
    severity: 'note',
    message: `${listed(names)} ${one ? 'sends' : 'send'} to no port on which usher listens, while another balancer does`,
    consequence: `nothing else was checked of ${one ? 'it' : 'them'}`,
    places: [first.at, ...others.slice(0, MOST_PLACES - 1).map(({ at }) => at)],
    cure: one
      ? 'leave it out of the files, or compare its ports with listen if it should send to usher'
      : 'leave them out of the files, or compare their ports with listen if one of them should send to usher',
    commands: [],
  };
}
