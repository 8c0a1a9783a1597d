/** Output of `aws ecs describe-task-definition`, or a definition as it was registered. */
import type { Container, Dependency, PortMapping, TaskDefinition } from '../estate.js';
import { type At, below, type DocumentPlace } from '../place.js';
import type { Elements } from './elements.js';
import { flag, list, longText, maybe, name, object, port, portOrZero, seconds, text } from './fields.js';

const definition = object({
  taskDefinitionArn: maybe(name),
  family: name,
  networkMode: maybe(text),
  requiresCompatibilities: list,
  containerDefinitions: list,
});
const container = object({
  name: name,
  image: maybe(text),
  essential: maybe(flag),
  stopTimeout: maybe(seconds),
  portMappings: list,
  dependsOn: list,
  entryPoint: list,
  command: list,
});
/** Without a port the mapping has a range. */
const mapping = object({ containerPort: maybe(port), hostPort: maybe(portOrZero) });
const dependency = object({ containerName: name, condition: text });

export interface NamedTask extends At {
  /** Tells revisions of a family apart; the family where it is not given. */
  readonly key: string;
  readonly task: TaskDefinition;
}

/** The definition itself, without `taskDefinition` around it. */
export function readTask(elements: Elements, value: unknown, at: DocumentPlace): NamedTask | undefined {
  const given = elements.read(definition, value, at);
  if (given === undefined) return undefined;
  const task = {
    at,
    family: given.family,
    networkMode: given.networkMode,
    compatibilities: elements.strings(text, given.requiresCompatibilities, below(at, 'requiresCompatibilities')),
    containers: readContainers(elements, given.containerDefinitions, below(at, 'containerDefinitions')),
  };
  return { at, key: given.taskDefinitionArn ?? given.family, task };
}

/** A container is essential unless it says that it isn't. */
function readContainers(elements: Elements, value: unknown, at: DocumentPlace): Container[] {
  return elements.each(container, value, at, (given, at) => ({
    at,
    name: given.name,
    image: given.image,
    essential: given.essential ?? true,
    stopTimeout:
      given.stopTimeout === undefined ? undefined : { at: below(at, 'stopTimeout'), value: given.stopTimeout },
    ports: readPorts(elements, given.portMappings, below(at, 'portMappings')),
    dependsOn: readDependencies(elements, given.dependsOn, below(at, 'dependsOn')),
    words: [
      ...elements.strings(longText, given.entryPoint, below(at, 'entryPoint')),
      ...elements.strings(longText, given.command, below(at, 'command')),
    ],
  }));
}

function readPorts(elements: Elements, value: unknown, at: DocumentPlace): PortMapping[] {
  return elements.each(mapping, value, at, ({ containerPort, hostPort }, at) =>
    containerPort === undefined ? undefined : { at, containerPort, hostPort },
  );
}

function readDependencies(elements: Elements, value: unknown, at: DocumentPlace): Dependency[] {
  return elements.each(dependency, value, at, (given, at) => ({ at, ...given }));
}
