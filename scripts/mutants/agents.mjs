// Mistakes in the learning step of agents.
import { mutant } from './mutant.mjs';

const AGENT_STEPS = ['packages/agents/src/golden.test.ts'];
const AGENTS = 'packages/agents/src/';

export default [
  // The learning step.
  mutant(
    'importance weights dropped',
    `${AGENTS}value-agent/loss.ts`,
    'tf.mean(inputs.weights === undefined ? perSample : tf.mul(perSample, inputs.weights))',
    'tf.mean(perSample)',
    AGENT_STEPS,
  ),
  mutant(
    'Double Q dropped',
    `${AGENTS}variants/targets.ts`,
    'doubleValues(nextOnline.values, nextTarget.values)',
    'doubleValues(nextTarget.values, nextTarget.values)',
    AGENT_STEPS,
  ),
  mutant(
    'Double Q of distributions dropped',
    `${AGENTS}variants/targets.ts`,
    'expectedValues(context.nextOnline.values, context.support!)',
    'expectedValues(context.nextTarget.values, context.support!)',
    AGENT_STEPS,
  ),
  mutant(
    'penalties times 0',
    `${AGENTS}value-agent/loss.ts`,
    'total = tf.add(total, tf.mul(penalty, coefficient(agent)));',
    'total = tf.add(total, tf.mul(penalty, 0));',
    AGENT_STEPS,
  ),
  mutant(
    'DR3 of one state',
    `${AGENTS}variants/losses.ts`,
    'featureCoadaptation(online.features, nextOnline.features)',
    'featureCoadaptation(online.features, online.features)',
    AGENT_STEPS,
  ),
  mutant(
    'next state not augmented',
    `${AGENTS}value-agent/loss.ts`,
    "const nextOptions = augmentOf('next');",
    'const nextOptions = {};',
    AGENT_STEPS,
  ),
  mutant(
    'next state augmented as the state',
    `${AGENTS}value-agent/loss.ts`,
    "const nextOptions = augmentOf('next');",
    "const nextOptions = augmentOf('state');",
    AGENT_STEPS,
  ),
  mutant(
    'weights of router losses ignored',
    `${AGENTS}value-agent/auxiliary-losses.ts`,
    'tf.mul(tf.mean(lossOf(name, mixtures[index]!, record, index, noise)), weight)',
    'tf.mean(lossOf(name, mixtures[index]!, record, index, noise))',
    AGENT_STEPS,
  ),
  mutant(
    'noise per sample ignored',
    `${AGENTS}value-agent/loss.ts`,
    "noiseOf('online', agent.perSampleNoise ? agent.batchSize : 1)",
    "noiseOf('online', 1)",
    AGENT_STEPS,
  ),
  mutant(
    'noise of targets taken from the loss',
    `${AGENTS}value-agent/loss.ts`,
    "const targetNoise = noiseOf('target', 1);",
    "const targetNoise = noiseOf('online', 1);",
    AGENT_STEPS,
  ),
  mutant(
    'target sync shifted by one step',
    `${AGENTS}value-agent/schedule.ts`,
    'step % config.targetUpdatePeriodAgentSteps === 0',
    '(step + 1) % config.targetUpdatePeriodAgentSteps === 0',
    ['packages/agents/src/value-agent', ...AGENT_STEPS],
  ),
  mutant(
    'targets from the online network',
    `${AGENTS}value-agent/loss.ts`,
    'nextTarget: () => network.apply(target, nextStates',
    'nextTarget: () => network.apply(online, nextStates',
    AGENT_STEPS,
  ),
  mutant(
    'targets of the state instead of the next one',
    `${AGENTS}value-agent/loss.ts`,
    'nextTarget: () => network.apply(target, nextStates',
    'nextTarget: () => network.apply(target, states',
    AGENT_STEPS,
  ),
  mutant(
    'mean error where Huber was asked for',
    `${AGENTS}losses/temporal-difference.ts`,
    "type === 'mse' ? squaredError(predictions, targets) : huberError(predictions, targets)",
    'squaredError(predictions, targets)',
    AGENT_STEPS,
  ),
  mutant(
    'rewards left out of targets',
    `${AGENTS}losses/temporal-difference.ts`,
    'return tf.add(rewards, tf.mul(discounts, nextValues));',
    'return tf.mul(discounts, nextValues);',
    AGENT_STEPS,
  ),
  mutant(
    'projection one atom too wide',
    `${AGENTS}losses/categorical.ts`,
    '(maximum - minimum) / (atoms - 1)',
    '(maximum - minimum) / atoms',
    AGENT_STEPS,
  ),
  mutant(
    'priorities without the root',
    `${AGENTS}losses/priorities.ts`,
    'tf.sqrt(tf.add(losses, 1e-10))',
    'tf.add(losses, 1e-10)',
    AGENT_STEPS,
  ),
  mutant(
    'evaluation draws from the stream of training',
    `${AGENTS}value-agent/program-agent.ts`,
    "const stream = mode === 'train' ? explore : evaluateExplore;",
    'const stream = explore;',
    ['packages/agents/src/value-agent'],
  ),
  mutant(
    'balance bias never written',
    `${AGENTS}value-agent/update-step.ts`,
    "if (name.startsWith('state/'))",
    "if (name.startsWith('nothing/'))",
    ['packages/agents/src/networks/routers.test.ts'],
  ),
  mutant(
    'load metric from probabilities',
    `${AGENTS}networks/router-measures.ts`,
    'load: tf.div(counts, tf.maximum(tf.sum(counts), 1)),',
    'load: tf.mean(shares, [0, 1]),',
    ['packages/agents/src/networks/router-measures.test.ts'],
  ),
];
