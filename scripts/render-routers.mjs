// Writes docs/routers: one page per router with its formula, a picture of an assignment made by the router's real code, when to use it and its source.
//   node --conditions=@moe-rl/source scripts/render-routers.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRng } from '../packages/core/src/index.ts';
import { createMixture, registerMixture } from '../packages/moe-core/src/index.ts';
import { typedArrayOps as ops } from '../packages/tensor-ops/src/typed-array/index.ts';
import {
  combineMatrix,
  createRouter,
  routerDefinition,
  routerTypes,
  topKMixtures,
} from '../packages/top-k-moe/src/index.ts';

const [T, E] = [16, 4];
const folder = new URL('../docs/routers/', import.meta.url);

const PAGES = {
  'token-choice': {
    title: 'Token choice (top-k, top-1)',
    config: { k: 1 },
    formula:
      'P = softmax over experts of x W; each token takes its k best; weight P[t, e]; C = ceil(T * capacityFactor / E) slots per expert, all first choices before all second ones, tokens in order (or surest first with `hasBatchPriority`); the rest is dropped and gives zeros',
    use: 'The sparse baseline of the RL paper (k = 1, the default), and V-MoE (`capacityCountsChoices`, `hasBatchPriority`, `capacityMultipleOf`). Drops tokens when experts are unequally liked: add a balance loss or a larger capacity.',
    source:
      '[2402.08609](https://arxiv.org/abs/2402.08609) section 2.2; V-MoE [2106.05974](https://arxiv.org/abs/2106.05974)',
  },
  switch: {
    title: 'Switch',
    config: {},
    formula: 'top-1 with weight P[t, e] and C = floor(T * 1.25 / E)',
    use: 'One expert per token at the least cost; train with the losses `loadBalancing` (0.01) and `routerZ` (0.001), in a network with a residual connection. `inputJitter: 0.01` is the jitter of the paper.',
    source: 'Fedus et al., [2101.03961](https://arxiv.org/abs/2101.03961)',
  },
  'gshard-top-2': {
    title: 'GShard top-2',
    config: {},
    formula:
      'the two best of softmax(x W), weights normalized over the two before dropping; the second is sent only if 2 * weight > u, u uniform; C = ceil(2 T / E)',
    use: 'Two experts per token; the random dropping of weak second choices saves capacity. Needs `inputs.uniformNoise` [B, T] in training.',
    source: 'Lepikhin et al., [2006.16668](https://arxiv.org/abs/2006.16668)',
  },
  'noisy-top-k': {
    title: 'Noisy top-k',
    config: { k: 2 },
    formula: 'H = x W + z * softplus(x Wn), z normal; softmax over the k largest of H, zero elsewhere',
    use: 'When exploration among experts should be learned. Use with the losses `importance` and `load`. With k = 1 the router gets no gradient. Needs `inputs.normalNoise` in training.',
    source: 'Shazeer et al., [1701.06538](https://arxiv.org/abs/1701.06538)',
  },
  random: {
    title: 'Random',
    config: { k: 1 },
    formula: 'k experts drawn at random for each token, weight 1/k',
    use: 'A control: what does routing itself add? Needs `inputs.uniformNoise`.',
    source: 'control experiment',
  },
  'expert-prototyping': {
    title: 'Expert prototyping (M6-T)',
    config: { numPrototypes: 2 },
    formula:
      'experts in Z groups; softmax and top-1 within each group; outputs added with those weights, not normalized across groups; C = floor(1.25 Z T / E)',
    use: 'k experts per token without k sequential argmaxes; each group keeps its own balance.',
    source: 'Yang et al., [2105.15082](https://arxiv.org/abs/2105.15082)',
  },
  'expert-choice': {
    title: 'Expert choice, plain and capped',
    config: { capacityFactor: 1 },
    formula:
      'S = softmax over experts of x W; every expert takes its C = floor(T * capacityFactor / E) best tokens, weight S[t, e]. With `maxExpertsPerToken: b`: the choice with the largest sum of scores in which no token has more than b experts, solved exactly (the paper relaxes and rounds: `relaxedChoice`)',
    use: 'Perfect balance without any loss; tokens get as many experts as want them, some none. Looks at all tokens at once (fine for images, not for causal sequences). The cap chooses on the host.',
    source: 'Zhou et al., [2202.09368](https://arxiv.org/abs/2202.09368)',
  },
  base: {
    title: 'BASE',
    config: {},
    formula:
      'the assignment with at most ceil(T/E) tokens per expert, exactly T/E where E divides T, and the largest sum of scores x W (solved exactly); weight sigmoid(score); in evaluation the best expert of each token',
    use: 'Balance by construction, one expert per token. With `isResidual` and `normalizesInput` it is the layer of the paper, which starts as the identity.',
    source: 'Lewis et al., [2103.16716](https://arxiv.org/abs/2103.16716)',
  },
  hash: {
    title: 'Hash and hardcoded',
    config: { table: [0, 1, 2, 2, 3, 1] },
    formula:
      'the expert that a fixed table gives for the id of the token, weight 1; without a table the id is the expert; ids beyond the table start over',
    use: 'Nothing to learn or to balance (`balancedHashTable` makes a table by frequency). Without a table: hardcoded routing, for instance one expert per task. `ids: "position"` needs no ids: a token is known by its place.',
    source:
      'Roller et al., [2106.04426](https://arxiv.org/abs/2106.04426); hardcoded: [2406.18420](https://arxiv.org/abs/2406.18420)',
  },
  stable: {
    title: 'StableMoE',
    config: { stage: 1 },
    formula:
      'stage `distill`: best of the scores x W, weight sigmoid(score), while a small router of the layer is distilled from the choices; stage `frozen`: best of the distilled, frozen scores, weight still sigmoid of the live score',
    use: 'When the assignment of a token should stop moving during training. The schedule of the mixture (or `layer.advance`) changes the stage after `distillationUpdates` and brings the losses of the first one (`stableBalance`, `distillation`; 0.3 each, averaged over tokens). The distilled router sees the tokens as they are at the moment: while what makes them still learns, its choices can move with them.',
    source: 'Dai et al., [2204.08396](https://arxiv.org/abs/2204.08396)',
  },
  'dense-to-sparse': {
    title: 'EvoMoE: dense-to-sparse gate',
    config: { threshold: 0.05 },
    inputs: { temperature: 0.5 },
    formula:
      'G = softmax((x W + Gumbel noise) / temperature); every expert with G above the threshold works, weight G, not renormalized; evaluation: top-1 of the plain softmax. Stages: `shared` (the first expert works on all tokens), `sparsify` (all experts are copies of it with a share of weights missing), `hard` (only the best works)',
    use: 'Starts with all experts and narrows as the temperature falls. The schedule of the mixture (or `layer.advance`) runs the stages and the temperature. Add the loss `denseToSparseBalance`.',
    source: 'Nie et al., [2112.14397](https://arxiv.org/abs/2112.14397)',
  },
  deepseek: {
    title: 'DeepSeekMoE',
    config: { k: 2, numGroups: 2, numKeptGroups: 1 },
    formula:
      'scores = sigmoid(x W) (or softmax); chosen by score + bias, first the best groups, then the k best experts in them; weights = unbiased scores, normalized, times routeScale',
    use: 'Many small experts (`numSharedExperts` for what all tokens need). Balanced by a bias that is state of the layer (`balanceBiasRate`) instead of a loss; the loss `sequenceBalance` on top if wanted. With k = 1 and normalized weights the router gets no gradient: the layer says so.',
    source:
      'DeepSeekMoE [2401.06066](https://arxiv.org/abs/2401.06066), V3 [2412.19437](https://arxiv.org/abs/2412.19437); statistics: [2505.10860](https://arxiv.org/abs/2505.10860)',
  },
  dynmole: {
    title: 'DynMoLE: hybrid routing by entropy',
    config: { entropyThreshold: 0.8 },
    formula:
      'p = softmax(x W); keep experts, best first, while their sum stays within topP, and at least keepTopK; tokens whose normalized Tsallis entropy is above the threshold use all; weights p, not renormalized',
    use: 'LoRA experts on a frozen map (`applyLoraMoe`, `LoraMoeLayer`), where computing all experts is cheap. Add the losses `entropy` (0.01) and `dynMoleBalance` (0.001).',
    source: 'Li et al., [2504.00661](https://arxiv.org/abs/2504.00661)',
  },
};

/** One assignment of 16 tokens with drifting preferences to 4 experts, as a picture: rows are tokens, columns experts, darkness is weight. */
function picture(type, { config, inputs = {} }) {
  const rng = createRng(4, 'pictures');
  const values = Array.from({ length: T * E }, (_, index) => {
    const [token, expert] = [Math.floor(index / E), index % E];
    return 1.6 * Math.cos((token / T) * 2 * Math.PI * 0.8 - expert * 1.4) + 0.7 * rng.nextNormal();
  });
  const uniform = (size) => Array.from({ length: size }, () => rng.nextFloat());
  const all = {
    normalNoise: ops.tensor(
      Array.from({ length: T * E }, () => rng.nextNormal()),
      [1, T, E],
    ),
    noiseLogits: ops.fill([1, T, E], -1),
    uniformNoise: type === 'gshard-top-2' ? ops.tensor(uniform(T), [1, T]) : ops.tensor(uniform(T * E), [1, T, E]),
    tokenIds: ops.tensor(
      Array.from({ length: T }, (_, token) => token % 6),
      [1, T],
    ),
    ...inputs,
  };
  const { assignment, probabilities } = createRouter({ type, ...config }).route(
    ops,
    ops.tensor(values, [1, T, E]),
    all,
  );
  const weights = combineMatrix(ops, assignment, T).data;
  const wanted = new Set();
  if (assignment.kind === 'token-choice') {
    const K = assignment.experts.shape[2];
    assignment.experts.data.forEach((expert, index) => {
      if (assignment.wanted.data[index] && !assignment.kept.data[index]) wanted.add(Math.floor(index / K) * E + expert);
    });
  }
  const [cell, left, top] = [22, 70, 46];
  const panel = (x, title, draw) => {
    const cells = Array.from({ length: T * E }, (_, index) =>
      draw(index, x + (index % E) * cell, top + Math.floor(index / E) * cell),
    );
    const heads = Array.from(
      { length: E },
      (_, expert) => `<text x="${x + (expert + 0.5) * cell}" y="${top - 6}" text-anchor="middle">${expert}</text>`,
    );
    return `<text x="${x}" y="16" font-weight="bold">${title}</text><text x="${x}" y="30">expert</text>${heads.join('')}${cells.join('')}`;
  };
  const square = (x, y, value, extra = '') =>
    `<rect x="${x + 1}" y="${y + 1}" width="${cell - 2}" height="${cell - 2}" rx="3" fill="#1f6feb" fill-opacity="${value.toFixed(3)}" stroke="#8b949e" stroke-opacity="0.4"/>${extra}`;
  const largest = Math.max(...weights, 1e-9);
  const cross = (x, y) => `<path d="M${x + 6} ${y + 6}l10 10m0 -10l-10 10" stroke="#d1242f" stroke-width="2"/>`;
  const labels = Array.from(
    { length: T },
    (_, token) =>
      `<text x="${left - 8}" y="${top + token * cell + 15}" text-anchor="end">${token === 0 ? 'token 0' : token}</text>`,
  );
  const second = left + E * cell + 70;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${second + E * cell + 40}" height="${top + T * cell + 12}" font-family="sans-serif" font-size="11" fill="#57606a">${labels.join('')}${panel(left, 'scores', (index, x, y) => square(x, y, Math.min(1, probabilities.data[index])))}${panel(second, 'weights (x dropped)', (index, x, y) => square(x, y, weights[index] / largest, wanted.has(index) ? cross(x, y) : ''))}</svg>\n`;
}

registerMixture(...topKMixtures);

/** What the router takes and offers, from its own description. */
function facts(type, { config }) {
  const options = Object.entries(routerDefinition(type).options).map(
    ([name, { default: standard, doc }]) => `| \`${name}\` | ${JSON.stringify(standard)} | ${doc} |`,
  );
  const table =
    options.length === 0 ? 'It has no options.' : `| option | default | |\n|---|---|---|\n${options.join('\n')}`;
  const mixture = createMixture({ type, ...config }, { numExperts: E, numTokens: T, tokenSize: 8, hiddenSize: 8 });
  const names = Object.entries(mixture.auxiliaryLosses);
  const offered = names.filter(([, { loss }]) => loss).map(([name]) => `\`${name}\``);
  const refused = names.filter(([, each]) => each.refused && !/belongs to|needs noise/.test(each.refused));
  const losses = `Auxiliary losses: ${offered.join(', ') || 'none'}${refused.length > 0 ? `. Refused: ${refused.map(([name, each]) => `\`${name}\` (${each.refused})`).join('; ')}` : ''}.`;
  const inputs = mixture.inputs.map(
    ({ name, phase }) => `\`${name}\` (${phase === 'always' ? 'always' : 'in training'})`,
  );
  const needs = inputs.length > 0 ? ` Inputs: ${inputs.join(', ')}.` : '';
  const host = {
    never: '',
    training: ' Chooses on the host in training: a step with it can not be recorded.',
    always: ' Chooses on the host: a step with it can not be recorded.',
  };
  return `**Options.**\n\n${table}\n\n${losses}${needs}${host[mixture.runsOnHost]}`;
}

mkdirSync(folder, { recursive: true });
const missing = routerTypes.filter((type) => !(type in PAGES));
if (missing.length > 0) throw new Error(`no page for ${missing}`);
for (const [type, page] of Object.entries(PAGES)) {
  writeFileSync(new URL(`${type}.svg`, folder), picture(type, page));
  writeFileSync(
    new URL(`${type}.md`, folder),
    `# ${page.title}\n\nRouter \`${JSON.stringify({ type, ...page.config })}\` of [@moe-rl/top-k-moe](../../packages/top-k-moe).\n\n**Formula.** ${page.formula}.\n\n![Scores of 16 tokens for 4 experts, and the weights this router gives them](${type}.svg)\n\nThe picture is made by the router's code (\`scripts/render-routers.mjs\`): left the scores of 16 tokens for 4 experts, right the weights with which experts work on them; a cross marks a choice dropped because the expert was full.\n\n**When to use it.** ${page.use}\n\n${facts(type, page)}\n\n**Source.** ${page.source}.\n`,
  );
}
const list = Object.entries(PAGES).map(([type, { title }]) => `- [${title}](${type}.md): \`${type}\``);
writeFileSync(
  new URL('README.md', folder),
  `# Routers\n\nEvery router maps gate logits [B, T, E] to an assignment: token choice (experts, weights and buffer positions per token) or expert choice (tokens and weights per expert). Any dispatcher carries out any assignment. \`createRouter({ type, ... })\` makes one by name, \`createMixture({ type, ... }, sizes)\` a whole layer; an unknown name or option throws, and \`registerRouter\` adds your own ([docs/extending](../extending)). Routers without a capacity drop nothing, at a cost that grows with the chosen experts.\n\n${list.join('\n')}\n\n[Every router in an agent](runs.md) tables one run with each, and what it reported.\n`,
);
console.log(`wrote ${Object.keys(PAGES).length} pages`);
