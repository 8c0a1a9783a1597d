/**
 * Which balancers of a whole account usher has to do with. The files of an account hold those of other teams too; what is
 * right or wrong with these is none of a check's business that was asked about one usher.
 */
import type { Estate } from './estate.js';
import type { Scene } from './finding.js';
import { type Flow, isHttp } from './flow.js';
import { balancerNames } from './flows-network.js';
import type { At } from './place.js';

/** A balancer that sends to no port of usher's, while another one does. */
export interface Elsewhere extends At {
  readonly name: string;
}

/** The scene without them, where some balancer is known to send to usher; else the whole of it. */
export function narrowed(scene: Scene): Scene {
  const { estate, flows, sidecar } = scene;
  if (sidecar === undefined) return scene;
  const ports = new Set(sidecar.settings.listeners.map(({ listen }) => listen.port));
  const hits = flows.filter(({ port }) => port !== undefined && ports.has(port));
  if (hits.length === 0) return scene;
  const near = new Set([...hits, ...flows.filter(mayHit)].map(keyOf));
  const classics = estate.classics.filter(({ name }) => near.has(key('clb', name)));
  const networks = estate.networks.filter(({ name }) => near.has(key('nlb', name)));
  const services = estate.services.filter(
    ({ name, type }) => type !== 'LoadBalancer' || near.has(key('service', name)),
  );
  const nameOf = balancerNames(estate.networks);
  const nearArn = (arn: string) => near.has(key('nlb', nameOf(arn)));
  return {
    sidecar,
    flows: flows.filter(flow => near.has(keyOf(flow))),
    estate: {
      ...estate,
      classics,
      networks,
      services,
      listeners: estate.listeners.filter(({ balancerArn }) => nearArn(balancerArn)),
      targetGroups: estate.targetGroups.filter(
        ({ balancerArns }) => balancerArns.length === 0 || balancerArns.some(nearArn),
      ),
    },
    elsewhere: elsewhere(estate, { ...estate, classics, networks, services }),
  };
}

/** Whether a flow of which the files do not name the port may be usher's. */
function mayHit({ kind, port, protocol, header, turnOn }: Flow): boolean {
  if (port !== undefined || isHttp(protocol)) return false;
  // To a function or to another balancer no header can be turned on, and no usher stands there.
  return kind !== 'nlb' || header === 'unknown' || turnOn.length > 0;
}

function elsewhere(all: Estate, near: Estate): readonly Elsewhere[] {
  const rest = <T extends Elsewhere>(some: readonly T[], kept: readonly T[]) => {
    const near: ReadonlySet<T> = new Set(kept);
    return some.filter(one => !near.has(one));
  };
  return [
    ...rest(all.classics, near.classics),
    ...rest(all.networks, near.networks),
    ...rest(all.services, near.services),
  ].map(({ name, at }) => ({ name, at }));
}

function keyOf({ kind, balancer }: Flow): string {
  return key(kind, balancer);
}

function key(kind: Flow['kind'], balancer: string): string {
  return JSON.stringify([kind, balancer]);
}
