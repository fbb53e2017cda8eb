// A step vector's agent as ours: configuration, variables with the vector's parameters, and the entry points that ship, fed with the vector's random numbers
// instead of drawn ones.
import { BASE_CONFIG, createNetwork, mergeConfig, variantOf } from '../../../packages/agents/src/index.ts';
import { createEntryPoints } from '../../../packages/agents/src/value-agent/entry-points.ts';
import { createVariables } from '../../../packages/agents/src/value-agent/variables.ts';
import { createRng } from '../../../packages/core/src/index.ts';
import { materialize } from '../vectors.mjs';
import { lookUp, networkChangesOf } from './networks.mjs';

/** The official `train` functions whose steps we have. */
const TRAIN = Object.fromEntries(
  [
    'jax.agents.dqn.dqn_agent',
    'jax.agents.full_rainbow.full_rainbow_agent',
    'labs.moes.agents.dqn_moe_agent',
    'labs.moes.agents.full_rainbow_moe_agent',
    'labs.moes.agents.rainbow_100k_moe_agent',
    'labs.offline_rl.jax.offline_dr3_agent',
    'labs.offline_rl.jax.offline_rainbow_agent',
  ].map((module) => [`dopamine.${module}.train`, true]),
);
const LOSSES = { mse: { error: 'mse' }, huber: { error: 'huber' }, c51: { error: 'huber', isCategorical: true } };
const NOISE = { none: { noisy: false }, shared: { noisy: true }, per_sample: { noisy: true, perSampleNoise: true } };
/** Official names of router losses to ours. */
const AUXILIARY = { importance: 'importance', load: 'load', entropy: 'entropy' };

/** Our configuration of a step vector's. */
export function agentConfigOf(config) {
  lookUp('train', TRAIN, config.train);
  const atoms = config.num_atoms ?? 1;
  const { error, isCategorical = false } = lookUp('loss', LOSSES, config.loss);
  const { noisy, perSampleNoise = false } = lookUp('noise', NOISE, config.noise);
  const changes = networkChangesOf(config.network.class, config.network);
  const expectSame = (what, value, expected) => {
    if (value !== expected) throw new Error(`${what} is ${value}; expected ${expected}`);
  };
  expectSame('network.noisy', changes[0].network.noisy, noisy);
  expectSame('network.num_actions', config.network.num_actions, config.num_actions);
  expectSame('network.num_atoms', config.network.num_atoms ?? 1, atoms);
  expectSame('network.distributional', config.network.distributional ?? isCategorical, isCategorical);
  expectSame('num_atoms > 1', atoms > 1, isCategorical);
  if (Math.abs(config.gamma ** config.update_horizon - config.cumulative_gamma) > 1e-9)
    throw new Error(`cumulative_gamma is ${config.cumulative_gamma}; expected gamma^n`);
  const auxiliaryLosses = Object.fromEntries(
    Object.keys(config.aux_losses).map((name) => [lookUp('aux_losses', AUXILIARY, name), config.aux_losses[name]]),
  );
  const { optimizer } = config;
  // Types first: they decide which other settings there are. Keys that do not apply to a type are read all the same; their values mean nothing there.
  const moments = {
    beta1: optimizer.beta1,
    beta2: optimizer.beta2,
    epsilon: optimizer.eps,
    centered: optimizer.centered,
  };
  const applying = { adam: ['beta1', 'beta2', 'epsilon'], rmsprop: ['beta2', 'epsilon', 'centered'], sgd: [] };
  const names = lookUp('optimizer.name', applying, optimizer.name);
  const support = { minimumValue: config.vmin, maximumValue: config.vmax };
  return mergeConfig(
    BASE_CONFIG,
    ...changes,
    {
      agent: { atoms },
      optimizer: { type: optimizer.name },
      replay: { sampling: config.prioritized ? 'prioritized' : 'uniform' },
    },
    {
      agent: {
        discountFactor: config.gamma,
        updateHorizon: config.update_horizon,
        batchSize: config.batch_size,
        doubleQ: config.double_dqn,
        ...(isCategorical ? support : { error }),
        dataAugmentation: config.data_augmentation,
        ...(noisy ? { perSampleNoise } : {}),
        conservativeCoefficient: config.cql_coefficient,
        coadaptationCoefficient: config.dr3_coefficient,
        minReplayHistoryAgentSteps: 0,
        updatePeriodAgentSteps: 1,
        targetUpdatePeriodAgentSteps: config.target_update_period ?? 1,
      },
      optimizer: {
        learningRate: optimizer.learning_rate,
        annealUpdates: optimizer.anneal_learning_rate ? optimizer.anneal_steps : 0,
        ...Object.fromEntries(names.map((name) => [name, moments[name]])),
      },
      ...(Object.keys(auxiliaryLosses).length > 0 ? { auxiliaryLosses } : {}),
    },
  );
}

/** The agent's variables and entry points; `feed(step)` chooses which step's random numbers come next. */
export function officialAgent(tf, { config, inputs }) {
  const agentConfig = agentConfigOf(config);
  const network = createNetwork(agentConfig.network, {
    observationSpec: { frameShape: config.image, stackSize: config.stack_size, dtype: 'uint8' },
    actionCount: config.num_actions,
    atoms: agentConfig.agent.atoms,
  });
  const names = Object.keys(network.parameterShapes).sort();
  if (names.join() !== [...config.param_order].sort().join())
    throw new Error(`parameters are ${names.join(', ')}; expected ${config.param_order.join(', ')}`);
  const variables = createVariables(agentConfig, network, createRng(1, 'golden'));
  const write = (group, values) => {
    for (const name of names) {
      const { shape, data } = materialize(values[name]);
      tf.tidy(() => group[name].assign(tf.tensor(Float32Array.from(data), shape)));
    }
  };
  write(variables.online, inputs.online_params);
  write(variables.target, inputs.target_params);
  let current;
  const step = {
    config: agentConfig,
    variant: variantOf(agentConfig),
    network,
    ...variables,
    windowLength: config.stack_size + config.next_offset,
    nextObservationOffset: config.next_offset,
    noise: {
      layers: (pass, rows) => layerNoise(tf, current.noise[pass], rows, network.noiseSizes),
      load: (shape) => {
        const load = materialize(current.noise.load);
        return tf.tensor(Float32Array.from(load.data), shape);
      },
    },
  };
  return {
    step,
    entryPoints: createEntryPoints(step),
    feed: (given) => {
      current = given;
    },
    dispose: () => {
      for (const variable of Object.values(variables.all)) variable.dispose();
    },
  };
}

/** `{ head, experts }`, each `[rows, n]`: the first n entries of each given row. */
function layerNoise(tf, given, rows, sizes) {
  const matrix = (list, width) => {
    if (list.length !== rows) throw new Error(`the step asks for ${rows} rows of noise; the vector has ${list.length}`);
    const data = list.flatMap((row) => Array.from(materialize(row).data.slice(0, width)));
    return tf.tensor2d(Float32Array.from(data), [rows, width]);
  };
  return Object.fromEntries(
    Object.entries(sizes).map(([layer, { inputs, outputs }]) => [
      layer,
      { inputNoise: matrix(given[layer].input, inputs), outputNoise: matrix(given[layer].output, outputs) },
    ]),
  );
}
