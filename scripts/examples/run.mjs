// examples <file>: runs every worked example of a file of the form of testdata/examples.json through our code, compares every field that it states, and ends
// with `N passed, N failed`, one for each example.
// Families are pluggable: each module of families/ exports by default an object of functions, named as the examples that they compute; `erk_90` is computed
// by `erk`. A function gets the example as an Entry (entry.mjs). An example that no family computes fails by name.
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Entry } from './entry.mjs';

const folder = new URL('./families/', import.meta.url);

/** Every example that some family computes: name to function. */
export async function loadFamilies() {
  const families = new Map();
  for (const file of readdirSync(folder).sort()) {
    const { default: computed } = await import(new URL(file, folder).href);
    for (const [name, compute] of Object.entries(computed)) {
      if (families.has(name)) throw new Error(`families/${file}: ${name} is computed by another family, too`);
      families.set(name, compute);
    }
  }
  return families;
}

/** The function for an example: the one of that name, or the longest name that it begins with, followed by _ and something of its own. */
export function familyOf(families, example) {
  const names = [...families.keys()].filter((name) => example === name || example.startsWith(`${name}_`));
  return families.get(names.sort((a, b) => b.length - a.length)[0]);
}

/** Fields that say "same as EXAMPLE.FIELD" get what stands there, if the file has it. */
function resolveReferences(example, examples) {
  const resolve = (value) => {
    const [, name, field] = /^same as (\w+)\.(\w+)$/.exec(value) ?? [];
    return examples[name]?.[field] ?? value;
  };
  if (typeof example !== 'object' || example === null || Array.isArray(example)) return example;
  return Object.fromEntries(Object.entries(example).map(([key, value]) => [key, resolve(value)]));
}

/**
 * Runs all examples of a file.
 * @returns [{ name, problems, compared }]
 */
export async function runExamples(examples, families) {
  const outcomes = [];
  for (const [name, stated] of Object.entries(examples)) {
    const example = resolveReferences(stated, examples);
    const compute = familyOf(families, name);
    if (compute === undefined) {
      outcomes.push({ name, problems: ['nothing covers it'], compared: 0 });
      continue;
    }
    const entry = new Entry(example, name);
    try {
      if (typeof example !== 'object' || example === null) throw new Error(`${name} is no object of fields`);
      await compute(entry);
      outcomes.push({ name, ...entry.report() });
    } catch (error) {
      const message = error instanceof Error ? (process.env.DEBUG ? error.stack : error.message) : String(error);
      const { compared } = entry.report();
      outcomes.push({ name, problems: [message], compared });
    }
  }
  return outcomes;
}

async function main(path) {
  let examples;
  try {
    examples = JSON.parse(readFileSync(resolve(process.env.INIT_CWD ?? process.cwd(), path), 'utf8'));
  } catch (error) {
    console.error(`${path}: ${error.message}`);
    return 2;
  }
  if (
    typeof examples !== 'object' ||
    examples === null ||
    Array.isArray(examples) ||
    Object.keys(examples).length === 0
  ) {
    console.error(`${path} holds no worked examples; expected an object of them by name`);
    return 2;
  }
  const outcomes = await runExamples(examples, await loadFamilies());
  for (const { name, problems, compared } of outcomes) {
    if (problems.length === 0) console.log(`${name}: ${compared} ${compared === 1 ? 'field' : 'fields'}`);
    else console.log(`FAILED ${name}\n  ${problems.slice(0, 20).join('\n  ')}`);
  }
  const failed = outcomes.filter(({ problems }) => problems.length > 0).length;
  console.log(`${outcomes.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (process.argv[1] === resolve(import.meta.filename)) {
  if (process.argv[2] === undefined) {
    console.error('usage: examples <file>');
    process.exitCode = 2;
  } else process.exitCode = await main(process.argv[2]);
}
