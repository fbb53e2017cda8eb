// Learning checks: an agent, an environment, how long it may take and what it must reach. The short ones run as unit tests, all of them (and their broken
// variants) in scripts/test-learning.mjs.
import { type Environment, runLoop } from '@moe-rl/core';
import { cartPole, catchBall } from '@moe-rl/small-environments';
import * as tf from '@tensorflow/tfjs-core';
import type { AgentConfig } from '../config/agent-config.ts';
import { type DeepPartial, mergeConfig } from '../config/validate.ts';
import { getPreset } from '../presets/presets.ts';
import { createValueAgent } from '../value-agent/create-value-agent.ts';
import { fit } from './fixtures.ts';

/** What can be broken on purpose. */
export type BrokenPart = 'loss sign' | 'target update' | 'router gradient';

export interface LearningCheck {
  readonly name: string;
  readonly preset: string;
  readonly changes: readonly DeepPartial<AgentConfig>[];
  readonly environment: (seed: number) => Environment;
  readonly trainingAgentSteps: number;
  readonly evaluationEpisodes: number;
  /** Mean return that evaluation must reach. */
  readonly threshold: number;
  readonly seeds: readonly number[];
  /** Broken variants that must not reach it. */
  readonly breaks: readonly BrokenPart[];
}

const SMALL: DeepPartial<AgentConfig> = {
  network: {
    encoder: { type: 'perceptron', hiddenUnits: [64], inputDivisor: 1 },
    tokens: { type: 'perSamp' },
    moe: { experts: 4, expertHiddenUnits: 32 },
    hiddenUnits: 64,
  },
  agent: {
    minReplayHistoryAgentSteps: 200,
    updatePeriodAgentSteps: 1,
    targetUpdatePeriodAgentSteps: 100,
    batchSize: 32,
    epsilonDecayPeriodAgentSteps: 1200,
    epsilonTrain: 0.02,
    rewardClip: 0,
  },
  optimizer: { learningRate: 1e-3, epsilon: 3.125e-4 },
  replay: { capacity: 10_000 },
};
const RAINBOW: DeepPartial<AgentConfig> = {
  agent: { minimumValue: -2, maximumValue: 2, updateHorizon: 3, expertNoiseInEvaluation: false },
};
/** E of the checks with mixtures: no other axis has this size. */
const ROUTER_EXPERTS = 3;
/** Catch as an image: 10x5 positions are the tokens, so that the router has something to do. */
const TOKENS: DeepPartial<AgentConfig> = {
  network: {
    encoder: { type: 'minatar' },
    tokens: { type: 'perConv' },
    moe: { experts: ROUTER_EXPERTS, expertHiddenUnits: 16 },
  },
};
/** A router that learns fast enough to matter. */
const ROUTER: DeepPartial<AgentConfig> = { routerOptimizer: { type: 'adam', learningRate: 0.01 } };

const onCatch = (
  name: string,
  preset: string,
  changes: readonly DeepPartial<AgentConfig>[],
  breaks: readonly BrokenPart[],
  trainingAgentSteps = 3000,
): LearningCheck => ({
  name,
  preset,
  changes: [SMALL, ...changes],
  environment: (seed) => catchBall({ seed }),
  trainingAgentSteps,
  evaluationEpisodes: 100,
  // Random play has -0.6, perfect play 1.
  threshold: 0.75,
  seeds: [1, 2],
  breaks,
});

/** The rate falls to 0: at a constant one the greedy policies of these small DQNs flip from update to update, for better and worse. */
const settling = (updates: number): DeepPartial<AgentConfig> => ({ optimizer: { annealUpdates: updates } });

export const LEARNING_CHECKS: readonly LearningCheck[] = [
  onCatch('DQN on Catch', 'dqn', [settling(3800)], ['loss sign', 'target update'], 4000),
  onCatch(
    'DQN with Soft MoE on Catch',
    'dqn-nature-soft-moe',
    [TOKENS, ROUTER, settling(3800)],
    ['loss sign', 'router gradient'],
    4000,
  ),
  onCatch('DQN with top-1 MoE on Catch', 'dqn-top1-moe', [TOKENS, settling(5800)], ['loss sign'], 6000),
  onCatch('Rainbow on Catch', 'rainbow', [RAINBOW], ['loss sign', 'target update']),
  // At a constant rate it stood or fell by the last digits of the machine's sums: with seeds 1 to 4, one or two ended at 0.5. So it falls to 0, from twice as high.
  onCatch(
    'Rainbow with Soft MoE on Catch',
    'rainbow-soft-moe',
    [RAINBOW, TOKENS, settling(3800), { optimizer: { learningRate: 2e-3 } }],
    ['loss sign'],
    4000,
  ),
  {
    name: 'DQN on CartPole',
    preset: 'classic-control',
    changes: [
      SMALL,
      {
        network: {
          encoder: { inputDivisor: 0, minimumValues: [-2.4, -5, -0.21, -5], maximumValues: [2.4, 5, 0.21, 5] },
        },
        agent: {
          epsilonSchedule: 'linear',
          epsilonDecayPeriodAgentSteps: 3000,
          minReplayHistoryAgentSteps: 500,
          batchSize: 64,
        },
        optimizer: { annealUpdates: 9500 },
      },
    ],
    environment: (seed) => cartPole({ seed }),
    trainingAgentSteps: 10_000,
    evaluationEpisodes: 20,
    // Random play lasts about 22 steps; 500 is the most.
    threshold: 100,
    seeds: [1, 2],
    breaks: ['loss sign'],
  },
];

/** Prepares one check; `broken` damages the agent. */
export function createLearningCheck(
  check: LearningCheck,
  options: { readonly seed: number; readonly broken?: BrokenPart },
): { run(): Promise<{ meanReturn: number; seconds: number }> } {
  return {
    async run() {
      const start = performance.now();
      const environment = check.environment(options.seed);
      const config = fit(getPreset(check.preset), ...check.changes);
      const repair =
        options.broken === 'loss sign' || options.broken === 'router gradient'
          ? reverseGradients(options.broken === 'loss sign' ? 'all' : 'routers')
          : () => {};
      try {
        const agent = await createValueAgent({
          config:
            options.broken === 'target update'
              ? mergeConfig(config, { agent: { targetUpdatePeriodAgentSteps: 1_000_000_000 } })
              : config,
          environment,
          seed: options.seed,
        });
        let steps = 0;
        for await (const _ of runLoop({ environment, agent, seed: options.seed }))
          if (++steps >= check.trainingAgentSteps) break;
        let episodes = 0;
        let total = 0;
        const evaluation = check.environment(options.seed + 1000);
        for await (const step of runLoop({
          environment: evaluation,
          agent,
          mode: 'evaluate',
          seed: options.seed + 1000,
        })) {
          if (!step.terminated && !step.truncated) continue;
          total += step.episodeReturn;
          if (++episodes >= check.evaluationEpisodes) break;
        }
        agent.dispose();
        return { meanReturn: total / episodes, seconds: (performance.now() - start) / 1000 };
      } finally {
        repair();
      }
    },
  };
}

/** Turns gradients round while agents are made (a recorded step keeps them so): all of them, or the routers' only. Returns how to undo it. */
function reverseGradients(which: 'all' | 'routers'): () => void {
  const engine = tf.engine();
  const original = engine.gradients;
  const broken: typeof original = function gradients(this: typeof engine, f, xs, dy, allowNoGradients) {
    const result = original.call(engine, f, xs, dy, allowNoGradients) as ReturnType<typeof original>;
    // Phi [D, E, P] is the only trainable parameter of rank 3 whose first axis is not the experts'.
    const isRouter = (x: tf.Tensor): boolean => x.rank === 3 && x.shape[1] === ROUTER_EXPERTS;
    return {
      ...result,
      grads: result.grads.map((grad, index) =>
        grad && (which === 'all' || isRouter(xs[index]!)) ? tf.neg(grad) : grad,
      ),
    } as typeof result;
  } as typeof original;
  engine.gradients = broken;
  return () => {
    engine.gradients = original;
  };
}
