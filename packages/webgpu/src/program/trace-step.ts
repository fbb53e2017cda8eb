// Traces one entry point into a graph, and plans it.
import type { EntryPoint } from '@moe-rl/tfjs-graph';
import { type TracingBackend, traceEntryPoint } from '@moe-rl/tfjs-graph/tracing';
import type * as tf from '@tensorflow/tfjs-core';
import { throughReshapes } from '../compile/members.ts';
import { type Plan, planStep } from '../compile/plan.ts';
import type { GraphBuilder } from '../graph/graph-builder.ts';
import type { Node } from '../graph/node.ts';
import { WgslStepBuilder } from '../graph/step-builder.ts';

/**
 * Traces an entry point; the variables keep their values.
 * @throws TracingError when the step does what a compiled one can't
 */
export function traceStep(
  backend: TracingBackend,
  entryName: string,
  entryPoint: EntryPoint,
  variables: Readonly<Record<string, tf.Variable>>,
  mostBuffers: number,
): Plan {
  const builder = new WgslStepBuilder();
  const traced = traceEntryPoint(backend, entryName, entryPoint, variables, builder);
  const arguments_ = traced.arguments.map((value) => builder.nodeOf(value));
  const { reads, writes } = traced;
  const overwritten = new Set(arguments_.filter((_, index) => index < reads.length && writes.includes(reads[index]!)));
  // A variable's old value that is asked for is kept before the variable changes.
  const results = traced.results.map((value, index) => {
    const node = builder.nodeOf(value);
    const source = throughReshapes(node);
    const isItself = index < writes.length && arguments_[reads.indexOf(writes[index]!)] === source;
    return overwritten.has(source) && !isItself ? builder.reshape(copyOf(builder, source), node.shape) : node;
  });
  const named = (names: readonly string[], nodes: readonly Node[]) =>
    new Map(names.map((name, index) => [name, nodes[index]!]));
  return planStep(
    {
      variables: named(reads, arguments_),
      inputs: named(traced.inputs, arguments_.slice(reads.length)),
      assigned: named(writes, results),
      outputs: named(traced.outputs, results.slice(writes.length)),
    },
    mostBuffers,
  );
}

function copyOf(builder: GraphBuilder, node: Node): Node {
  const copy = { kind: 'map', weight: 0, write: (_: unknown, [a]: readonly string[]) => a! } as const;
  return builder.node('copy', copy, [node], node.shape, node.type);
}
