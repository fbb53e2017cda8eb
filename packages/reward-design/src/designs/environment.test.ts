// An environment with a designed reward is all that the environment itself is.
import type { Environment, RewardDesign } from '@moe-rl/core';
import { expect, it } from 'vitest';
import { withDesignedReward } from './environment.ts';

/** Everything on the prototype, over private fields, as an emulator's environment is. */
class Meter implements Environment {
  #level = 0;
  isClosed = false;
  get id() {
    return 'test/meter';
  }
  get observationSpec() {
    return { frameShape: [1], stackSize: 1, dtype: 'float32' } as const;
  }
  get actionCount() {
    return 2;
  }
  reset() {
    this.#level = 0;
    return { observation: Float32Array.of(0), info: {} };
  }
  step(action: number) {
    this.#level += action;
    return {
      observation: Float32Array.of(this.#level),
      reward: 1,
      terminated: this.#level > 1,
      truncated: false,
      info: {},
    };
  }
  render() {
    return { width: 1, height: 1, rgb: Uint8Array.of(this.#level, 0, 0) };
  }
  ram() {
    return Uint8Array.of(this.#level);
  }
  peekState() {
    return { level: this.#level };
  }
  getState() {
    return { level: this.#level };
  }
  setState({ level }: { readonly level?: unknown }) {
    this.#level = Number(level);
  }
  close() {
    this.isClosed = true;
  }
}

const doubled: RewardDesign = {
  reward: ({ reward }) => 2 * reward,
  getState: () => ({}),
  setState() {},
};

it('hands over what a class has from its prototype: names, pictures, RAM, state and the end', () => {
  const meter = new Meter();
  const environment = withDesignedReward(meter, doubled) as Meter;
  expect(environment).toMatchObject({ id: 'test/meter', observationSpec: meter.observationSpec, actionCount: 2 });
  environment.reset();
  expect(environment.step(1)).toMatchObject({ reward: 2, terminated: false, info: { trueReward: 1 } });
  expect(environment.render().rgb).toEqual(Uint8Array.of(1, 0, 0));
  expect(environment.ram()).toEqual(Uint8Array.of(1));
  expect(environment.peekState()).toEqual({ level: 1 });
  const saved = environment.getState();
  environment.step(1);
  environment.setState(saved);
  expect(environment.peekState()).toEqual({ level: 1 });
  environment.close();
  expect(meter.isClosed).toBe(true);
});

it('has no more than the environment', () => {
  const { id, observationSpec, actionCount, reset, step } = new Meter();
  const environment = withDesignedReward({ id, observationSpec, actionCount, reset, step }, doubled);
  expect(Object.keys(environment).sort()).toEqual(['actionCount', 'id', 'observationSpec', 'reset', 'step']);
});
