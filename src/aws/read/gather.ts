/** Takes documents as they come and sorts what they hold. */

import { z } from 'zod';
import type {
  Attributes,
  ClassicBalancer,
  Gap,
  KubernetesService,
  NetworkBalancer,
  NetworkListener,
  Policy,
  Target,
  TargetGroup,
} from '../estate.js';
import { type At, below, type DocumentPlace } from '../place.js';
import type { Elements } from './elements.js';
import { type Fields, isFields, type Kind, kindOf, own, UNDERSTOOD } from './kind.js';
import { type NamedTask, readTask } from './shapes-ecs.js';
import { type ClassicAttributes, readClassicAttributes, readClassics, readPolicies } from './shapes-elb.js';
import { readAttributes, readListeners, readNetworks, readTargetGroups, readTargets } from './shapes-elbv2.js';
import { readService } from './shapes-kubernetes.js';
import { looksOfValue } from './value-looks.js';

/** What a document tells of a thing that it does not name. */
export interface Loose<V> extends At {
  readonly value: V;
  /** Of the thing, in the rare case that the document has it. */
  readonly name?: string | undefined;
}

export class Gathered {
  readonly classics: ClassicBalancer[] = [];
  readonly networks: NetworkBalancer[] = [];
  readonly listeners: NetworkListener[] = [];
  readonly targetGroups: TargetGroup[] = [];
  readonly tasks: NamedTask[] = [];
  readonly services: KubernetesService[] = [];
  readonly policies: Loose<readonly Policy[]>[] = [];
  readonly classicAttributes: Loose<ClassicAttributes>[] = [];
  readonly listenerAttributes: Loose<Attributes>[] = [];
  readonly targetGroupAttributes: Loose<Attributes>[] = [];
  readonly targets: Loose<readonly Target[]>[] = [];
  readonly gaps: Gap[] = [];

  constructor(private readonly elements: Elements) {}

  /** A document, or a list of documents. */
  document(value: unknown, at: DocumentPlace): void {
    if (!Array.isArray(value) || value.length === 0 || typeof value[0] === 'string') this.one(value, at);
    else this.elements.each(anything, value, at, (element, at) => this.one(element, at));
  }

  private one(value: unknown, at: DocumentPlace): void {
    const kind = isFields(value) ? kindOf(value) : undefined;
    if (!isFields(value) || kind === undefined) {
      this.elements.tell(at, `${looksOfValue(value)}; ${UNDERSTOOD}`);
      return;
    }
    if (kind !== 'ignored') this.pages(value, at);
    READERS[kind]({ gathered: this, elements: this.elements, value, at });
  }

  private pages(value: Fields, at: DocumentPlace): void {
    const page = PAGES.find(({ steps }) => isMark(steps.reduce<unknown>(step, value)));
    if (page) this.gaps.push({ kind: 'more-pages', at: below(at, ...page.steps), message: page.message });
  }
}

function step(value: unknown, key: string): unknown {
  return isFields(value) ? own(value, key) : undefined;
}

function isMark(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

const anything = z.unknown();

const PAGES = [
  {
    steps: ['NextToken'],
    message: 'there is more than this output shows: run the command again without --max-items',
  },
  {
    steps: ['NextMarker'],
    message: 'there is more than this output shows: run the command again without --no-paginate',
  },
  {
    steps: ['metadata', 'continue'],
    message: 'there is more than this list shows: run kubectl get svc -o json again without a limit',
  },
];

interface Piece {
  readonly gathered: Gathered;
  readonly elements: Elements;
  readonly value: Fields;
  readonly at: DocumentPlace;
}

type Reader = (piece: Piece) => void;

/** Adds what stands under a key. */
function adds<R>(
  key: string,
  read: (elements: Elements, value: unknown, at: DocumentPlace) => R,
  add: (gathered: Gathered, made: R, piece: Piece) => void,
): Reader {
  return piece => add(piece.gathered, read(piece.elements, own(piece.value, key), below(piece.at, key)), piece);
}

const READERS: Readonly<Record<Kind, Reader>> = {
  classics: adds('LoadBalancerDescriptions', readClassics, (gathered, made) => gathered.classics.push(...made)),
  policies: adds('PolicyDescriptions', readPolicies, (gathered, value, { at }) =>
    gathered.policies.push({ at, value }),
  ),
  'classic-attributes': adds('LoadBalancerAttributes', readClassicAttributes, (gathered, value, piece) => {
    const name = own(piece.value, 'LoadBalancerName');
    if (value === undefined) return;
    gathered.classicAttributes.push({ at: piece.at, value, name: typeof name === 'string' ? name : undefined });
  }),
  networks: adds('LoadBalancers', readNetworks, (gathered, made) => gathered.networks.push(...made)),
  listeners: adds('Listeners', readListeners, (gathered, made) => gathered.listeners.push(...made)),
  'listener-attributes': adds('Attributes', readAttributes, (gathered, value, { at }) =>
    gathered.listenerAttributes.push({ at, value }),
  ),
  'target-groups': adds('TargetGroups', readTargetGroups, (gathered, made) => gathered.targetGroups.push(...made)),
  'target-group-attributes': adds('Attributes', readAttributes, (gathered, value, { at }) =>
    gathered.targetGroupAttributes.push({ at, value }),
  ),
  targets: adds('TargetHealthDescriptions', readTargets, (gathered, value, { at }) =>
    gathered.targets.push({ at, value }),
  ),
  task: ({ gathered, elements, value, at }) => {
    const inner = own(value, 'taskDefinition');
    const task = isFields(inner)
      ? readTask(elements, inner, below(at, 'taskDefinition'))
      : readTask(elements, value, at);
    if (task) gathered.tasks.push(task);
  },
  service: ({ gathered, elements, value, at }) => {
    const service = readService(elements, value, at);
    if (service) gathered.services.push(service);
  },
  'kubernetes-list': readKubernetesList,
  ignored: () => undefined,
};

/** In a ServiceList the items do not say again what they are. */
function readKubernetesList({ gathered, elements, value, at }: Piece): void {
  const all = own(value, 'kind') === 'ServiceList';
  const items = elements.each(anything, own(value, 'items'), below(at, 'items'), (item, at) => {
    return all || (isFields(item) && kindOf(item) === 'service') ? readService(elements, item, at) : undefined;
  });
  gathered.services.push(...items);
}
