/** Names of listeners: letters, digits and hyphens, a hyphen not first, at most 63 of them. */
import { stringify } from 'yaml';
import type { Estate } from '../estate.js';
import { groupOf } from '../look-up.js';
import type { Door } from './doors.js';

/** Leaves room for a hyphen, a port and a number. */
const LONGEST_STEM = 50;

/**
 * A name for each door, all different: the one of its target group or balancer, with the port where several doors share
 * it.
 */
export function namesOf(estate: Estate, doors: readonly (Door & { readonly listen: number })[]): readonly string[] {
  const stems = doors.map(door => stemOf(estate, door));
  const taken = new Set<string>();
  return doors.map(({ listen }, index) => {
    const stem = stems[index] ?? '';
    const wanted = stems.filter(other => other === stem).length > 1 ? `${stem}-${listen}` : stem;
    let name = wanted;
    for (let more = 2; taken.has(name); more += 1) name = `${wanted}-${more}`;
    taken.add(name);
    return name;
  });
}

function stemOf(estate: Estate, { flows }: Door): string {
  const groups = new Set(flows.map(flow => groupOf(estate, flow)?.name ?? ''));
  const [group = ''] = groups;
  const words = groups.size === 1 && group !== '' ? group : flows[0].balancer;
  const stem = words
    .replace(/[^a-zA-Z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, LONGEST_STEM)
    .replace(/-+$/, '');
  return stem === '' ? 'listener' : stem;
}

/** The name as a key: quoted where YAML would read something else, such as a number. */
export function keyText(name: string): string {
  return stringify(name).trimEnd();
}
