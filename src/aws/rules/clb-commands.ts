/** Commands of `aws elb` that the cures are made of, in the order in which they are run. Not run against an account. */
import type { ClassicBalancer, ClassicListener } from '../estate.js';
import { isHttp } from '../flow.js';
import { command } from '../shell.js';

/** A listener as it is to be. */
export interface NewListener {
  readonly instancePort: number;
  /** `relay`: TCP, or SSL where the balancer ends TLS, and TCP to usher; `same`: the protocols that it has. */
  readonly protocols: 'relay' | 'same';
}

/**
 * Deletes a listener and makes it anew, because AWS changes none; its port is closed for the moment between. Without its
 * certificate, which only AWS tells, it is not deleted.
 */
export function replaceListener(
  { name }: ClassicBalancer,
  listener: ClassicListener,
  { instancePort, protocols }: NewListener,
): readonly string[] {
  const { port, protocol, instanceProtocol } = listener;
  const front = protocols === 'relay' ? relayed(listener) : protocol;
  const back = protocols === 'relay' ? 'TCP' : instanceProtocol;
  const fields = `Protocol=${front},LoadBalancerPort=${port},InstanceProtocol=${back},InstancePort=${instancePort}`;
  const remove = command`aws elb delete-load-balancer-listeners --load-balancer-name ${name} --load-balancer-ports ${port}`;
  const create = command`aws elb create-load-balancer-listeners --load-balancer-name ${name} --listeners`;
  if (!endsTls({ protocol: front })) return [remove, `${create} ${fields}`];
  return [
    keepCertificate(name, port),
    `test -n "$CERTIFICATE" && ${remove}`,
    `${create} "${fields},SSLCertificateId=$CERTIFICATE"`,
  ];
}

function keepCertificate(name: string, port: number): string {
  const query = `LoadBalancerDescriptions[0].ListenerDescriptions[?Listener.LoadBalancerPort==\`${port}\`].Listener.SSLCertificateId`;
  return `CERTIFICATE=$(${command`aws elb describe-load-balancers --load-balancer-names ${name} --query ${query} --output text`})`;
}

/** TCP or SSL in place of HTTP or HTTPS. */
export function relayed({ protocol }: ClassicListener): 'TCP' | 'SSL' {
  return endsTls({ protocol }) ? 'SSL' : 'TCP';
}

/** Whether the balancer ends the TLS of clients. */
export function endsTls({ protocol }: Pick<ClassicListener, 'protocol'>): boolean {
  return protocol === 'SSL' || protocol === 'HTTPS';
}

/** Whether the balancer reads the requests itself. */
export function readsHttp({ protocol }: Pick<ClassicListener, 'protocol'>): boolean {
  return isHttp(protocol);
}

/** What a cure adds where listeners are deleted and made anew. */
export function replaceNote(listeners: readonly ClassicListener[]): string {
  if (listeners.length === 0) return '';
  const closed = '; AWS changes no listener, so its port is closed between delete and create';
  return listeners.some(endsTls)
    ? `${closed}, and a new listener with a certificate begins with AWS's default TLS policy: set yours again if it had another`
    : closed;
}

/** Asks AWS for the balancer as it is now. */
export function describeClassic({ name }: ClassicBalancer): string {
  return command`aws elb describe-load-balancers --load-balancer-names ${name}`;
}
