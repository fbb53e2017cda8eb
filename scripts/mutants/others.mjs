// Mistakes in replay, routers, recorded programs, runs, statistics and the emulator.
import { mutant } from './mutant.mjs';

const AGENTS = 'packages/agents/src/';
const REPLAY = 'packages/replay/src/';
const MOE = 'packages/moe-core/src/';
const ROUTERS = 'packages/top-k-moe/src/';
const ROUTER_TESTS = ['packages/top-k-moe/src/examples.test.ts', 'packages/top-k-moe/src/top-k-moe.test.ts'];
const GRAPH = 'packages/tfjs-graph/src/';
const GRAPH_TESTS = ['packages/tfjs-graph/src/recorder.test.ts', 'packages/tfjs-graph/src/program.test.ts'];

export default [
  // Replay.
  mutant(
    'an overwritten slot gets a priority',
    `${REPLAY}sampler.ts`,
    'if (isIn[indices[position]!] === 1) tree.set(',
    'tree.set(',
    ['packages/replay/src'],
  ),
  mutant('a removed slot keeps its priority', `${REPLAY}sampler.ts`, '        tree.set(slot, 0);\n', '', [
    'packages/replay/src',
  ]),
  mutant(
    'stratified draws not stratified',
    `${REPLAY}sampler.ts`,
    '((position + uniform) / batchSize) * total',
    'uniform * total',
    ['packages/replay/src'],
  ),
  mutant(
    'importance weights not normalized',
    `${REPLAY}importance-weights.ts`,
    '** exponent / largest;',
    '** exponent;',
    ['packages/replay/src'],
  ),
  mutant(
    'sum tree descends one level wrong at ties',
    `${REPLAY}sum-tree.ts`,
    'targets[position]! >= left && nodes[child + 1]! > 0',
    'targets[position]! > left && nodes[child + 1]! > 0',
    ['packages/replay/src'],
  ),
  mutant(
    'n-step returns go on past the end',
    `${REPLAY}slot-ring.ts`,
    'isTerminal = (flags & TERMINATED) !== 0;\n        break;',
    'isTerminal = (flags & TERMINATED) !== 0;',
    ['packages/replay/src'],
  ),
  mutant(
    'a cut episode counts as terminated',
    `${REPLAY}slot-ring.ts`,
    'isTerminal = (flags & TERMINATED) !== 0;',
    'isTerminal = true;',
    ['packages/replay/src'],
  ),
  mutant(
    'discount of the horizon instead of the window',
    `${REPLAY}slot-ring.ts`,
    'isTerminal ? 0 : this.#discountPowers[length]!',
    'isTerminal ? 0 : this.#discountPowers[updateHorizon]!',
    ['packages/replay/src'],
  ),
  // Routers and mixtures.
  mutant(
    'second choices get slots before first ones',
    `${MOE}assignment.ts`,
    'ops.reshape(K === 1 ? mask : ops.transpose(mask, [0, 2, 1, 3]), [B, K * T, E])',
    'ops.reshape(mask, [B, K * T, E])',
    ROUTER_TESTS,
  ),
  mutant(
    'one more slot than the capacity',
    `${MOE}assignment.ts`,
    'ops.greaterEqual(positions, ops.fill([], options.capacity))',
    'ops.greater(positions, ops.fill([], options.capacity))',
    ROUTER_TESTS,
  ),
  mutant(
    'noise of noisy top-k in evaluation',
    `${ROUTERS}routers/token-choice.ts`,
    '  if (inputs.isTraining === false) return logits;\n  const noise',
    '  const noise',
    ROUTER_TESTS,
  ),
  mutant(
    'DeepSeek weighs with biased scores',
    `${ROUTERS}routers/deepseek.ts`,
    'ops.reshape(scores, [B, T, 1, E])',
    'ops.reshape(ranking, [B, T, 1, E])',
    ROUTER_TESTS,
  ),
  mutant(
    'DeepSeek takes one group fewer',
    `${ROUTERS}routers/deepseek.ts`,
    'ops.topK(groupScores(ops, ranking, G, scoring), M)',
    'ops.topK(groupScores(ops, ranking, G, scoring), Math.max(1, M - 1))',
    ROUTER_TESTS,
  ),
  mutant(
    'balance bias raised where the load is high',
    `${ROUTERS}routers/deepseek.ts`,
    'rate * Math.sign(mean - load[expert]!)',
    'rate * Math.sign(load[expert]! - mean)',
    ROUTER_TESTS,
  ),
  mutant(
    'Soft MoE combines over tokens',
    'packages/soft-moe/src/soft-moe.ts',
    'expertShares: () => unbatch(ops.sum(weights.combine, [3])),',
    'expertShares: () => unbatch(ops.sum(weights.dispatch, [3])),',
    ['packages/soft-moe/src/soft-moe.test.ts'],
  ),
  // Recorded programs.
  mutant(
    'constants that differ in bits are one',
    `${GRAPH}recorded-values.ts`,
    'return bits.every((element) => element === bits[0]);',
    'return values.every((element) => element === values[0]);',
    GRAPH_TESTS,
  ),
  mutant(
    'an assigned value is not copied',
    `${GRAPH}step-recording.ts`,
    '[state.resource, copy, ...controls]',
    '[state.resource, value, ...controls]',
    GRAPH_TESTS,
  ),
  // Files, locks and what is fetched.
  mutant(
    'a stale lock is replaced by whoever comes',
    'packages/core/src/node/lock.ts',
    'nameOfStanding}`, isGone);',
    'nameOfStanding}`, () => true);',
    ['packages/core/src/node/lock.test.ts'],
  ),
  mutant(
    'a wheel is taken as it comes',
    'packages/core/src/node/python-wheels.ts',
    'if (actual === sha256) return undefined;',
    'if (actual !== undefined) return undefined;',
    ['packages/core/src/node/python-wheels.test.ts'],
  ),
  mutant(
    'tensors may overlap in a file',
    'packages/core/src/safetensors.ts',
    'if (from !== at) {',
    'if (from > at) {',
    ['packages/core/src/safetensors.test.ts'],
  ),
  mutant(
    'a replay checkpoint may lack frames',
    `${REPLAY}node/replay-manifest.ts`,
    'if (!has)',
    'if (part === undefined)',
    ['packages/replay/src/node/replay-checkpointer.test.ts'],
  ),
  mutant(
    'steps that do not follow each other are joined',
    `${REPLAY}node/open-dataset.ts`,
    '  if (isAfterGap) replay.interruptEpisode();\n',
    '',
    ['packages/replay/src/node/open-dataset.test.ts'],
  ),
  mutant(
    'a resumed recording keeps what came after',
    `${REPLAY}node/dataset-recorder.ts`,
    'if (number > (parts as number)) await this.#remove(',
    'if (number < 0) await this.#remove(',
    ['packages/replay/src/node/dataset-recorder.test.ts'],
  ),
  mutant(
    'windows reach over the image',
    'packages/tfjs-kernels/src/wasm/convolution.ts',
    '(info.outHeight - 1) * info.strideHeight + info.filterHeight)',
    '0)',
    ['packages/tfjs-kernels/src/kernels.test.ts'],
  ),
  // Runs: checkpoints, statistics, locks.
  mutant(
    'a damaged checkpoint is believed',
    'packages/runs/src/folder/checkpoint-store.ts',
    'if (sha256(data) !== expected)',
    'if (expected === undefined)',
    ['packages/runs/src/folder'],
  ),
  mutant(
    'the oldest checkpoint is tried first',
    'packages/runs/src/folder/checkpoint-store.ts',
    '        .reverse()\n',
    '',
    ['packages/runs/src/folder'],
  ),
  mutant(
    'NaN becomes null in a state',
    'packages/core/src/state-codec.ts',
    "if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };",
    "if (typeof value === 'number' && !Number.isFinite(value)) return null;",
    ['packages/core/src', 'packages/runs/src/folder'],
  ),
  mutant(
    'evaluation keeps the lost life as an end',
    'packages/training/src/kinds/atari.ts',
    "purpose === 'evaluation' ? { terminalOnLifeLoss: false } : {}",
    '{}',
    ['packages/training/src'],
  ),
  mutant('a seed for every reset', 'packages/core/src/run-loop.ts', '      seed = undefined;\n', '', [
    'packages/core/src/run-loop.test.ts',
  ]),
  mutant(
    'truncation hides termination',
    'packages/core/src/run-loop.ts',
    'step.truncated || (!step.terminated && episodeAgentSteps >= maxEpisodeAgentSteps)',
    'step.truncated || episodeAgentSteps >= maxEpisodeAgentSteps',
    ['packages/core/src/run-loop.test.ts'],
  ),
  mutant(
    'a setting that does not apply is taken',
    'packages/core/src/settings/resolve.ts',
    'else if (isLast) throw inapplicable(child, where, tree);',
    'else if (isLast) delete at[key];',
    ['packages/core/src/settings'],
  ),
  mutant(
    'a damaged row hides those behind it',
    'packages/runs/src/sinks/metrics-file.ts',
    "else if (line !== '' && index < lines.length - 1) onDamage(index + 1);",
    'else break;',
    ['packages/runs/src/sinks'],
  ),
  mutant(
    'a letter is near to every name',
    'packages/core/src/near-names.ts',
    'return Math.min(left.length, right.length) > 2 &&',
    'return',
    ['packages/core/src/near-names.test.ts'],
  ),
  // Statistics.
  mutant(
    'bootstrap without strata',
    'packages/evaluation/src/bootstrap.ts',
    'const source = sets[set]![game]!;',
    'const source = sets[set]![0]!;',
    ['packages/evaluation/src'],
  ),
  mutant(
    'intervals twice as wide as asked',
    'packages/evaluation/src/bootstrap.ts',
    'const tail = (1 - level) / 2;',
    'const tail = 1 - level;',
    ['packages/evaluation/src'],
  ),
  mutant(
    'capacity multiplied after it was divided',
    `${MOE}capacity.ts`,
    '(T * choices * factor) / E;',
    '(T / E) * choices * factor;',
    ['packages/top-k-moe/src'],
  ),
  mutant(
    'capacity above the number of tokens',
    `${MOE}capacity.ts`,
    'Math.min(T, Math.ceil(Math.max(1, rounded) / multiple) * multiple)',
    'Math.ceil(Math.max(1, rounded) / multiple) * multiple',
    ['packages/top-k-moe/src'],
  ),
  mutant(
    'load loss without its noise',
    `${MOE}losses/balance.ts`,
    'kthLargest(ops, ops.add(logits, noise), k)',
    'kthLargest(ops, logits, k)',
    ROUTER_TESTS,
  ),
  mutant(
    'a mixture never enters its next stage',
    `${AGENTS}value-agent/course.ts`,
    'at(update)?.name !== at(update - 1)?.name',
    'false',
    ['packages/agents/src/networks/routers.test.ts'],
  ),
  mutant(
    'frozen parameters move on',
    `${AGENTS}value-agent/update-step.ts`,
    'const frozen = (step.stage?.frozen ?? [])',
    'const frozen = ([] as string[])',
    ['packages/agents/src/networks/routers.test.ts'],
  ),
  mutant(
    'routers do not train in the loss',
    `${AGENTS}value-agent/loss.ts`,
    '    isTraining: true,\n',
    '    isTraining: false,\n',
    ['packages/agents/src/networks/routers.test.ts'],
  ),
  // The emulator's host side: translation of ROMs, rules, saved states.
  mutant(
    'a taken branch costs nothing',
    'packages/ale-wasm/src/translator/region-emitter.ts',
    'emitter.pendingCycles += (next ^ taken) & 0xff00 ? 2 : 1;',
    'emitter.pendingCycles += 0;',
    ['packages/ale-wasm/src/translator'],
  ),
  mutant(
    'a branch over a page costs as any',
    'packages/ale-wasm/src/translator/region-emitter.ts',
    '(next ^ taken) & 0xff00 ? 2 : 1',
    '1',
    ['packages/ale-wasm/src/translator'],
  ),
  mutant(
    'a sign is lost in rules',
    'packages/ale-wasm/src/rules-assembler.ts',
    "operator === 's8' ? OP.signed8 :",
    "operator === 's8' ? OP.boolean :",
    ['packages/ale-wasm/src/boot.test.ts', 'packages/ale-wasm/src/extras.test.ts', 'packages/ale-wasm/src/ale.test.ts'],
  ),
  mutant(
    'a damaged saved state is believed',
    'packages/ale-wasm/src/saved-state.ts',
    '!== fnv1a(bytes.subarray(0, bytes.length - 4))',
    '=== -1',
    ['packages/ale-wasm/src/fuzz.test.ts', 'packages/ale-wasm/src/ale.test.ts'],
  ),
];
