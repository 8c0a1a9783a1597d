/**
 * The ways that connections take: from a port of a balancer to a port that usher should listen on. Classic and Network
 * Load Balancers and Kubernetes Services come to the same thing here, so that a rule about ports and headers is written once.
 */
import type { At, DocumentPlace } from './place.js';

/** What stands in front of a connection's bytes. `unknown`: the files do not say. */
export type SentHeader = 'v1' | 'v2' | 'none' | 'unknown';

export interface Flow extends At {
  readonly kind: 'clb' | 'nlb' | 'service';
  /** Name of the balancer or of the Service. */
  readonly balancer: string;
  /** What clients dial; undefined: the listeners were not given. */
  readonly frontPort: number | undefined;
  /** TCP, SSL, TLS, HTTP, HTTPS, UDP …. */
  readonly frontProtocol: string;
  /** The protocol to usher: TCP, SSL, TLS, HTTP, HTTPS, UDP …. */
  readonly protocol: string;
  /** The port that usher has to listen on; undefined: the files do not say (a named port of a pod, a port that ECS chooses). */
  readonly port: number | undefined;
  readonly header: SentHeader;
  /** What decides on the header: an attribute, a policy, an annotation; else what would. */
  readonly headerAt: DocumentPlace;
  /** The exact commands or, for Kubernetes, the annotation that turn the header on; empty: it can't be on there. */
  readonly turnOn: readonly string[];
  /** The same to turn it off. */
  readonly turnOff: readonly string[];
  /** The target group, when there is one. */
  readonly targetGroupArn: string | undefined;
}

/** Whether a PROXY header is known to come. */
export function isSent(header: SentHeader): header is 'v1' | 'v2' {
  return header === 'v1' || header === 'v2';
}

/** Whether TLS is spoken there. */
export function isTls(protocol: string): boolean {
  return protocol === 'SSL' || protocol === 'TLS' || protocol === 'HTTPS';
}

/** Whether there is no TCP connection; with TCP_UDP and TCP_QUIC there is one beside the datagrams. */
export function isDatagram(protocol: string): boolean {
  return protocol === 'UDP' || protocol === 'QUIC';
}

/** Whether the balancer reads HTTP there: then it never sends a PROXY header. */
export function isHttp(protocol: string): boolean {
  return protocol === 'HTTP' || protocol === 'HTTPS';
}
