// A TensorFlow session over a graph, through the binding's saved-model functions.

import { MissingDependencyError } from '@moe-rl/core';
import type { Binding, BindingValues } from './binding.ts';
import { encodeSavedModel, type GraphFunction, type GraphNode } from './graph-definition.ts';

/** One value to feed. */
export interface Feed {
  readonly node: string;
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly values: BindingValues;
}

export interface GraphSession {
  /** Runs the graph and returns the fetched nodes' values. */
  run(feeds: readonly Feed[], fetches: readonly string[]): BindingValues[];
  dispose(): void;
}

/** Loads a graph; the file that the binding wants exists only while it is read. */
export function createSession(
  binding: Binding,
  nodes: readonly GraphNode[],
  functions: readonly GraphFunction[] = [],
): GraphSession {
  const { mkdtempSync, rmSync, writeFileSync } = nodeModule('node:fs');
  const { join } = nodeModule('node:path');
  const { tmpdir } = nodeModule('node:os');
  const folder = mkdtempSync(join(tmpdir(), 'moe-rl-graph-'));
  let session: number;
  try {
    writeFileSync(join(folder, 'saved_model.pb'), encodeSavedModel(nodes, functions));
    session = binding.loadSavedModel(folder, 'serve');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  let disposed = false;
  return {
    run(feeds, fetches) {
      const inputs = feeds.map(({ shape, dtype, values }) => binding.createTensor([...shape], dtype, values));
      try {
        const names = feeds.map((feed) => feed.node).join(',');
        return binding.runSavedModel(session, inputs, names, fetches.join(',')).map(({ id }) => {
          const values = binding.tensorDataSync(id);
          binding.deleteTensor(id);
          return values;
        });
      } finally {
        for (const id of inputs) binding.deleteTensor(id);
      }
    },
    dispose() {
      if (!disposed) binding.deleteSavedModel(session);
      disposed = true;
    },
  };
}

interface NodeModules {
  'node:fs': typeof import('node:fs');
  'node:path': typeof import('node:path');
  'node:os': typeof import('node:os');
}

// Fetched at run time, so that this package can be bundled for browsers, where nothing is recorded.
function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  const loaded = globalThis.process?.getBuiltinModule?.(name);
  if (!loaded) throw new MissingDependencyError(`recording needs Node's ${name}`);
  return loaded as NodeModules[Name];
}
