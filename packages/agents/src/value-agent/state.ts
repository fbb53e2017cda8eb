// What an agent's state is, and what is refused when it is restored: everything is checked before anything is changed.
import { CheckpointError, elementCount, type RngState, type StateTree, type TensorData } from '@moe-rl/core';
import type { Streams } from './streams.ts';

const STATE_KIND = 'moe-rl/value-agent';
/** 2: evaluation and inspection have random streams of their own. */
const STATE_VERSION = 2;

type Shapes = Readonly<Record<string, readonly number[]>>;

/** The parts of an agent's state. */
export interface AgentState {
  readonly variables: Readonly<Record<string, TensorData>>;
  readonly trainingAgentSteps: number;
  readonly updates: number;
  readonly streams: Readonly<Record<string, RngState>>;
  /** The agent step from which on acting is compiled; absent: never, as in states of releases that could not. */
  readonly compiledActingFrom?: number;
  /** The course of the routers, where it is followed. */
  readonly probe?: StateTree;
}

/** The state as a tree for a checkpoint. */
export function encodeState({
  variables,
  trainingAgentSteps,
  updates,
  streams,
  compiledActingFrom,
  probe,
}: AgentState): StateTree {
  const each = <T>(read: (value: TensorData) => T) =>
    Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, read(value)]));
  return {
    kind: STATE_KIND,
    version: STATE_VERSION,
    shapes: each(({ shape }) => shape) as StateTree,
    variables: each(({ data }) => data),
    trainingAgentSteps,
    updates,
    streams: streams as unknown as StateTree,
    ...(compiledActingFrom === undefined ? {} : { compiledActingFrom }),
    ...(probe === undefined ? {} : { probe }),
  };
}

/** States of all streams. */
export function streamStates(streams: Streams): Record<string, RngState> {
  return Object.fromEntries(Object.entries(streams).map(([name, rng]) => [name, rng.getState()]));
}

/**
 * Reads a state back.
 * @param expected shapes of this agent's variables; `streams` its streams
 * @throws CheckpointError for a state of another kind, version or architecture, or with parts missing
 */
export function decodeState(state: StateTree, expected: Shapes, streams: Streams): AgentState {
  if (state.kind !== STATE_KIND || state.version !== STATE_VERSION) {
    const hint = state.kind === STATE_KIND ? '; resume it with the release that wrote it, or start the run anew' : '';
    throw new CheckpointError(
      `agent state is "${String(state.kind)}" version ${String(state.version)}; expected "${STATE_KIND}" version ${STATE_VERSION}${hint}`,
    );
  }
  const variables = decodeVariables(state, expected);
  const { trainingAgentSteps, updates } = state;
  if (!Number.isSafeInteger(trainingAgentSteps) || !Number.isSafeInteger(updates)) {
    throw new CheckpointError(
      `agent state counts ${String(trainingAgentSteps)} agent steps and ${String(updates)} updates; expected integers`,
    );
  }
  const { compiledActingFrom } = state;
  if (
    compiledActingFrom !== undefined &&
    !(Number.isSafeInteger(compiledActingFrom) && Number(compiledActingFrom) >= 0)
  ) {
    throw new CheckpointError(
      `agent state compiles acting from agent step ${String(compiledActingFrom)}; expected an integer of at least 0`,
    );
  }
  const saved = (state.streams ?? {}) as unknown as Record<string, RngState>;
  const missing = Object.keys(streams).find((name) => saved[name] === undefined);
  if (missing !== undefined) throw new CheckpointError(`agent state has no random stream "${missing}"`);
  return {
    variables,
    trainingAgentSteps: trainingAgentSteps as number,
    updates: updates as number,
    streams: saved,
    ...(compiledActingFrom === undefined ? {} : { compiledActingFrom: compiledActingFrom as number }),
    ...(state.probe === undefined ? {} : { probe: state.probe as StateTree }),
  };
}

function decodeVariables(state: StateTree, expected: Shapes): Record<string, TensorData> {
  const shapes = (state.shapes ?? {}) as Shapes;
  const data = (state.variables ?? {}) as Record<string, unknown>;
  const variables: Record<string, TensorData> = {};
  for (const [name, shape] of Object.entries(expected)) {
    if (shapes[name] === undefined)
      throw new CheckpointError(`agent state has no "${name}"; it is of another architecture`);
    if (shapes[name].join() !== shape.join()) {
      throw new CheckpointError(
        `agent state has "${name}" of shape [${shapes[name]}]; expected [${shape}]: it is of another architecture`,
      );
    }
    const values = data[name];
    if (!(values instanceof Float32Array) || values.length !== elementCount(shape)) {
      throw new CheckpointError(`agent state has no values of "${name}"`);
    }
    variables[name] = { shape, data: values };
  }
  const unknown = Object.keys(shapes).find((name) => !(name in expected));
  if (unknown !== undefined)
    throw new CheckpointError(`agent state has "${unknown}", which this agent has not; it is of another architecture`);
  return variables;
}
