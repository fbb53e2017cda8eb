// A description as typed classes with comments: what a language model is told of an environment. Only general names appear.
import {
  type EnvironmentDescription,
  type FieldDescription,
  type FieldType,
  STEP_FIELDS,
} from './environment-description.ts';

/** The environment as TypeScript classes, one for each object and one for the environment, and the type of actions. */
export function classText(description: EnvironmentDescription): string {
  const { title, objects, fields, actions } = description;
  const blocks = Object.entries(objects).map(
    ([name, { doc, fields: own }]) => `/** ${sentence(doc)} */\nclass ${className(name)} {\n${fieldLines(own)}\n}`,
  );
  const members = Object.entries(objects).map(([name, { doc }]) => `  ${name}: ${className(name)}; // ${doc}`);
  const own = Object.keys(fields).length === 0 ? [] : [fieldLines(fields)];
  const step = Object.entries(STEP_FIELDS).map(([name, field]) => line(name, field));
  const environment = `/** ${title}, as it is at one moment. */\nclass Environment {\n${[...members, ...own, ...step].join('\n')}\n}`;
  const action = `type Action =\n${actions.map(({ name, doc }) => `  | '${name}' // ${doc}`).join('\n')};`;
  return [...blocks, environment, action].join('\n\n');
}

function fieldLines(fields: Readonly<Record<string, FieldDescription>>): string {
  return Object.entries(fields)
    .map(([name, field]) => line(name, field))
    .join('\n');
}

function line(name: string, { type, doc, maximumLength }: FieldText): string {
  return `  ${name}: ${type}; // ${doc}${maximumLength === undefined ? '' : `; shape [${shape(maximumLength)}]`}`;
}

interface FieldText {
  readonly type: FieldType;
  readonly doc: string;
  readonly maximumLength?: number;
}

function shape(maximumLength: number): string {
  return `at most ${maximumLength}`;
}

function className(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
