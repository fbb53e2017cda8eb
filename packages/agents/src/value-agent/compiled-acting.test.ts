// Acting changes over to its compiled version at an agent step, so that runs repeat themselves and equal themselves resumed.
import { CheckpointError } from '@moe-rl/core';
import type { ProgramInputs } from '@moe-rl/tfjs-graph';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { mergeConfig } from '../config/validate.ts';
import { getPreset } from '../presets/presets.ts';
import { fit, loadTestBackend, randomTransitions, SMALL_SPEC, TINY } from '../testing/fixtures.ts';
import { CompiledActing, type CompiledActingChoice, compiledActingChoice } from './compiled-acting.ts';
import { createAgent } from './create-agent.ts';
import type { ValueAgent } from './value-agent.ts';

let canRecord = false;
beforeAll(async () => {
  ({ canRecord } = await loadTestBackend());
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const FROM = 12;
const create = (compiledActing?: CompiledActingChoice, preset = 'dqn') =>
  createAgent(mergeConfig(fit(getPreset(preset), TINY), {}), {
    environment: SMALL_SPEC,
    seed: 1,
    ...(compiledActing === undefined ? {} : { compiledActing }),
  });

/** Action values before each step, of training and of evaluation, over steps from..to. */
async function live(agent: ValueAgent, from: number, to: number): Promise<Float32Array[]> {
  const transitions = randomTransitions(2);
  for (let skipped = 0; skipped < from; skipped++) transitions.next();
  const values: Float32Array[] = [];
  for (let step = from; step < to; step++) {
    const transition = transitions.next().value;
    values.push(await agent.values(transition.observation, step % 2 === 0 ? 'train' : 'evaluate'));
    await agent.observe(transition);
  }
  return values;
}

describe('compiled acting', () => {
  it('begins at its agent step; a run repeats itself, and equals itself resumed before and after that step', async ({
    skip,
  }) => {
    skip(!canRecord, 'nothing is recorded here');
    const straight = await create(FROM);
    const values = await live(straight, 0, 18);
    straight.dispose();
    const never = await create('never');
    const recorded = await live(never, 0, 18);
    never.dispose();
    expect(values.slice(0, FROM)).toEqual(recorded.slice(0, FROM));
    expect(values.slice(FROM)).not.toEqual(recorded.slice(FROM));
    for (const [index, list] of values.entries()) {
      for (const [action, value] of list.entries()) expect(value).toBeCloseTo(recorded[index]![action]!, 3);
    }
    for (const stop of [10, 15]) {
      const killed = await create(FROM);
      expect(await live(killed, 0, stop)).toEqual(values.slice(0, stop));
      const saved = structuredClone({ agent: await killed.getState(), replay: killed.replay.getState() });
      killed.dispose();
      // The step is the state's, whatever the resuming program asks for.
      const resumed = await create(0);
      await resumed.setState(saved.agent);
      resumed.replay.setState(saved.replay);
      expect(await live(resumed, stop, 18)).toEqual(values.slice(stop));
      resumed.dispose();
    }
  }, 120_000);

  it('is not in the states of older releases, which go on recorded; a step that is none is refused', async ({
    skip,
  }) => {
    skip(!canRecord, 'nothing is recorded here');
    const agent = await create(0, 'dqn');
    const state = await agent.getState();
    expect(state.compiledActingFrom).toBe(0);
    for (const compiledActingFrom of ['soon', -1]) {
      await expect(agent.setState({ ...state, compiledActingFrom })).rejects.toThrow(CheckpointError);
    }
    const { compiledActingFrom: _, ...older } = state;
    await agent.setState(older);
    expect('compiledActingFrom' in (await agent.getState())).toBe(false);
    agent.dispose();
    const without = await create('never', 'dqn');
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    await without.setState(state);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('acts compiled from agent step 0 on'));
    without.dispose();
  });

  it('from a step is refused where nothing can be compiled, and on auto left out', async () => {
    const eager = (compiledActing: CompiledActingChoice) =>
      createAgent(mergeConfig(fit(getPreset('dqn'), TINY), {}), {
        ...{ environment: SMALL_SPEC, seed: 1, mode: 'eager', compiledActing },
      });
    await expect(eager(FROM)).rejects.toThrow(/compiledActing .* is 12, but .*; expected auto or never here/);
    const agent = await eager('auto');
    expect('compiledActingFrom' in (await agent.getState())).toBe(false);
    agent.dispose();
  });

  it('starts the compiler ahead and never before; on auto it goes on recorded where nothing can be compiled', async () => {
    const { MissingDependencyError } = await import('@moe-rl/core');
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const calls: string[] = [];
    const program = {
      isRecorded: true,
      run: async () => {
        calls.push('recorded');
        return {};
      },
      compiled: {
        has: (name: string) => name === 'act',
        start: () => void calls.push('start'),
        run: async (_name: string, inputs: ProgramInputs = {}) => {
          calls.push('compiled');
          if (inputs.fails) throw new MissingDependencyError('no XLA');
          return {};
        },
      },
    } as unknown as ConstructorParameters<typeof CompiledActing>[0];
    const acting = new CompiledActing(program, 'auto');
    for (const step of [0, 7999, 8000, 9999, 10_000]) await acting.run('act', {}, step);
    await acting.run('evaluate', {}, 20_000);
    expect(calls.splice(0)).toEqual([
      'recorded',
      'recorded',
      'start',
      'recorded',
      'start',
      'recorded',
      'compiled',
      'recorded',
    ]);
    const fails = { fails: Uint8Array.of(1) };
    await acting.run('act', fails, 20_000);
    await acting.run('act', {}, 20_001);
    expect(calls).toEqual(['compiled', 'recorded', 'recorded']);
    expect(warn).toHaveBeenCalledOnce();
    expect(acting.fromAgentStep).toBeUndefined();
    await expect(new CompiledActing(program, 0).run('act', fails, 0)).rejects.toThrow('no XLA');
    expect(new CompiledActing(program, 'never').fromAgentStep).toBeUndefined();
  });

  it('is chosen by an option, else by the environment; what is neither is refused by name', () => {
    expect(compiledActingChoice(undefined)).toBe('never');
    vi.stubEnv('MOE_RL_COMPILED_ACTING', '250');
    expect([compiledActingChoice(undefined), compiledActingChoice('never')]).toEqual([250, 'never']);
    vi.stubEnv('MOE_RL_COMPILED_ACTING', 'soon');
    expect(() => compiledActingChoice(undefined)).toThrow('MOE_RL_COMPILED_ACTING is "soon"; expected auto, never or');
    expect(() => compiledActingChoice(-1)).toThrow('compiledActing is -1');
  });
});
