// Tokenizers, the size of the layers that a mixture replaces, and simplicial embeddings.
import { countParameters, denseParameters, permuteFeatures, tokenize } from '../../../packages/encoders/src/index.ts';
import { simplicialEmbedding, simplicialFeatureMap } from '../../../packages/moe-core/src/index.ts';
import { slotsPerExpert, softMoeParameterSpecs } from '../../../packages/soft-moe/src/index.ts';
import { importFrom } from '../../golden/adapters.mjs';
import { only, ops, sample, tensor } from '../tensors.mjs';

export default {
  async tokenise(entry) {
    entry.describes('note');
    const tf = (await importFrom('tensor-ops', '@tensorflow/tfjs')).default;
    await tf.setBackend('cpu');
    const map = entry.given('feature_map');
    const [height, width, channels] = [map.length, map[0].length, map[0][0].length];
    const features = tf.tensor(map.flat(2), [1, height, width, channels]);
    const tokens = (type) => tokenize({}, features, { type }).arraySync()[0];
    entry.expect('per_conv', tokens('perConv'));
    entry.expect('per_feat', tokens('perFeat'));
    entry.expect('per_samp', tokens('perSamp'));
    if (!entry.has('fixed_shuffle_example')) return;
    const shuffle = entry.at('fixed_shuffle_example');
    const shuffled = permuteFeatures(tf.reshape(features, [1, -1]), shuffle.given('permutation'));
    shuffle.expect('tokens', tokenize({}, tf.reshape(shuffled, features.shape), { type: 'perConv' }).arraySync()[0]);
  },

  param_counts(entry) {
    for (const [, row] of entry.parts()) {
      const [height, width, depth] = ['height', 'width', 'depth'].map((key) => row.given(key));
      const [numExperts, hiddenSize, actions] = ['n_experts', 'hidden', 'actions'].map((key) => row.given(key));
      const features = height * width * depth;
      const dense = (inputs, units) => countParameters(denseParameters('layer', inputs, units));
      const numTokens = height * width;
      const slots = slotsPerExpert(numTokens, numExperts);
      const module = softMoeParameterSpecs({ numExperts, numTokens, tokenSize: depth, hiddenSize });
      row.expect('baseline_penultimate', dense(features, hiddenSize * numExperts));
      row.expect('baseline_head', dense(hiddenSize * numExperts, actions));
      row.expect(
        'softmoe_module',
        module.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
      );
      row.expect('softmoe_head', dense(features, actions));
      row.expect('slots_per_expert', slots);
      row.expect('total_slots', slots * numExperts);
    }
  },

  simplicial(entry) {
    entry.describes('note');
    const logits = entry.given('logits');
    const embed = (temperature) =>
      ops.reshape(simplicialEmbedding(ops, sample(logits.flat()), logits.length, temperature), [
        logits.length,
        logits[0].length,
      ]);
    const temperatures = entry.at('tau');
    for (const key of temperatures.keys) {
      temperatures.expect(key, embed(Number(key)));
      entry.expect('row_sums', ops.sum(embed(Number(key)), [1]));
    }
  },

  simplicial_v1_axis(entry) {
    entry.describes('note');
    const map = entry.given('feature_map_hwc');
    const temperature = entry.given('tau');
    entry.expect('softmax_over_axis1_w', only(simplicialFeatureMap(ops, sample(map), temperature)));
    // The embedding of the paper has the channels of a position as a group.
    const byPosition = simplicialEmbedding(ops, sample(map.flat(2)), map.length * map[0].length, temperature);
    entry.expect('softmax_over_channels', ops.reshape(byPosition, ops.shape(tensor(map))));
  },
};
