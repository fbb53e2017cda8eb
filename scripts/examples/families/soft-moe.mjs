// Soft MoE, and its variant with normalized tokens and parameters.
import { applySoftMoe } from '../../../packages/soft-moe/src/index.ts';
import { only, ops, sample, tensor } from '../tensors.mjs';

export default {
  softmoe(entry) {
    entry.describes('note');
    const scales = scalesOf(entry);
    const slots = entry.given('slots_per_expert');
    run(entry, entry.given('n_experts'), slots, scales, { isNormalized: false, scale: 1 });
  },

  softmoe_l2(entry) {
    entry.describes('note');
    entry.require('eps', 1e-6);
    const experts = entry.maybe('n_experts') ?? 1;
    const slots = entry.maybe('slots_per_expert') ?? entry.given('Phi')[0].length / experts;
    const scales = entry.has('expert_scales') || entry.has('experts') ? scalesOf(entry) : new Array(experts).fill(1);
    run(entry, experts, slots, scales, {
      isNormalized: true,
      scale: entry.given('scale'),
    });
  },
};

/** Experts are multiples of their input: `expert_scales`, or the words "f0(x)=2x, f1(x)=-x". */
function scalesOf(entry) {
  const words = entry.maybe('experts');
  const stated = words === undefined ? undefined : [...words.matchAll(/f\d+\(x\)\s*=\s*(-?[\d.]*)\s*x/g)];
  const fromWords = stated?.map(([, factor]) =>
    factor === '' || factor === '-' ? Number(`${factor}1`) : Number(factor),
  );
  const scales = entry.maybe('expert_scales') ?? fromWords;
  if (fromWords !== undefined && JSON.stringify(fromWords) !== JSON.stringify(scales))
    throw new Error(`experts says ${words}; expert_scales says ${scales}`);
  if (scales === undefined) throw new Error('neither experts nor expert_scales says what the experts are');
  return scales;
}

function run(entry, numExperts, slotsPerExpert, scales, { isNormalized, scale }) {
  const X = entry.given('X');
  const phi = entry.given('Phi');
  if (phi[0].length !== numExperts * slotsPerExpert || scales.length !== numExperts)
    throw new Error(
      `Phi has ${phi[0].length} columns, for ${scales.length} of ${numExperts} experts with ${slotsPerExpert} slots`,
    );
  const config = {
    numExperts,
    numTokens: X.length,
    tokenSize: X[0].length,
    slotsPerExpert,
    isNormalized,
  };
  const parameters = {
    'params/SoftMoE_0/phi_weights': ops.reshape(tensor(phi), [X[0].length, numExperts, slotsPerExpert]),
    'params/SoftMoE_0/scalar': tensor([scale]),
  };
  let slots;
  let slotOutputs;
  const result = applySoftMoe(ops, parameters, sample(X), config, {
    experts(inputs) {
      slots = inputs;
      slotOutputs = ops.multiply(inputs, ops.tensor(scales, [numExperts, 1, 1, 1]));
      return { output: slotOutputs };
    },
  });
  const rows = (x) => ops.reshape(x, [ops.shape(x)[1], numExperts * slotsPerExpert]);
  const perSlot = (x) => ops.reshape(x, [numExperts * slotsPerExpert, X[0].length]);
  entry.expect('logits', rows(result.routerLogits));
  entry.expect('dispatch', rows(result.dispatchWeights));
  entry.expect('combine', rows(result.combineWeights));
  entry.expect('slot_inputs', perSlot(slots));
  entry.expect('slot_outputs', perSlot(slotOutputs));
  entry.expect('Y', only(result.output));
  entry.expect('check_dispatch_colsums', ops.sum(rows(result.dispatchWeights), [0]));
  entry.expect('check_combine_rowsums', ops.sum(rows(result.combineWeights), [1]));
  entry.expect('per_expert_combine_sum', only(result.expertShares));
  entry.expect('dopamine_logged_prob_mean_over_slots', only(result.routerProbabilities));
}
