// Network statistics of the official agents: dormant units in three definitions, effective rank, feature norm, the tangent kernel.
import {
  dormantPercentage,
  featureStatistics,
  kernelStatistics,
  redoDormantFraction,
  redoScores,
  STATISTIC_THRESHOLDS,
} from '../../../packages/agents/src/index.ts';
import { expectKey } from '../honour.mjs';
import { materialize } from '../vectors.mjs';
import { tableNetworkKernel } from './stats-table-network.mjs';

const TOLERANCE = 1e-5;

export default {
  descriptions: ['formula', 'formulas', 'entk_bug', 'param_layout'],
  *checks({ vector, name, adapters }) {
    if (name.startsWith('dqn_dormant')) yield { name: 'host', run: () => checkDormant(vector) };
    if (name.startsWith('redo_dormant')) yield { name: 'host', run: () => checkRedo(vector) };
    if (name.startsWith('rainbow_network_statistics')) {
      yield { name: 'host', run: () => checkFeatures(vector) };
      for (const adapter of adapters.filter(({ tf }) => tf)) {
        yield {
          name: adapter.name,
          run: async () => {
            await adapter.activate();
            checkKernel(adapter.tf, vector);
          },
        };
      }
    }
  },
};

function close(name, actual, golden, tolerance = TOLERANCE) {
  const expected = typeof golden === 'number' ? golden : golden.data[0];
  if (!(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)))) {
    throw new Error(`${name} is ${actual}; expected ${expected}`);
  }
}

export function checkDormant({ config, inputs, outputs }) {
  expectKey('shape', config.shape, inputs.hidden.shape);
  close('dormant percentage', dormantPercentage(materialize(inputs.hidden)), outputs.dormant_percentage);
}

export function checkRedo({ config, inputs, outputs }) {
  let units = 0;
  let dormant = 0;
  for (const [layer, golden] of Object.entries(outputs.scores)) {
    const scores = redoScores(materialize(inputs[layer]));
    scores.forEach((score, unit) => {
      close(`${layer} score ${unit}`, score, golden.data[unit]);
    });
    const fraction = redoDormantFraction(scores, config.threshold);
    close(`${layer} percentage`, 100 * fraction, outputs.log[`dead_feature_percentage/${layer}_act`]);
    units += scores.length;
    dormant += Math.round(fraction * scores.length);
  }
  close('units', units, outputs.log['feature/total']);
  close('dormant units', dormant, outputs.log['feature/deadcount']);
}

export function checkFeatures({ config, inputs, outputs }) {
  expectKey('B, F', [config.B, config.F], inputs.features.shape);
  const features = materialize(inputs.features);
  const statistics = featureStatistics(features);
  close('feature norm', statistics.varianceNorm, outputs['statistics/feature_norm']);
  for (const threshold of STATISTIC_THRESHOLDS) {
    const label = threshold === 0 ? '0.0' : String(threshold);
    close(`dormant_${label}`, statistics.constantFeatures[threshold], outputs[`statistics/dormant_${label}`], 0);
    // At threshold 0 the rank counts rounding noise unless the features have full rank (README).
    const isFullRank = outputs['statistics/srank_0.001'].data[0] === Math.min(...features.shape);
    if (threshold > 0 || isFullRank)
      close(`srank_${label}`, statistics.effectiveRank[threshold], outputs[`statistics/srank_${label}`], 0);
  }
}

export function checkKernel(tf, vector) {
  const { outputs, config } = vector;
  const { kernel, metrics } = tableNetworkKernel(tf, vector);
  close('td_error_mean', metrics.lossMean, outputs['statistics/td_error_mean']);
  close('td_error_var', metrics.lossVariance, outputs['statistics/td_error_var']);
  close('q_mean', metrics.qMean, outputs['statistics/q_mean']);
  close('q_std', metrics.qStandardDeviation, outputs['statistics/q_std']);
  close('param_norm', metrics.parameterNorm, outputs['statistics/param_norm']);
  close('pure diagonal mean', metrics.pureDiagonalMean, outputs.extra.pure_diag_mean);
  const statistics = kernelStatistics(kernel);
  close('entk diagonal mean', statistics.diagonalMean, outputs['statistics/entk_diagonal_mean']);
  close('entk diagonal std', statistics.diagonalStandardDeviation, outputs['statistics/entk_diagonal_std'], 1e-4);
  close('entk off-diagonal mean', statistics.offDiagonalMean, outputs['statistics/entk_off_diagonal_mean'], 1e-4);
  close('entk positive fraction', statistics.positiveFraction, outputs['statistics/entk_positive_frac'], 1e-6);
  close('entk negative fraction', statistics.negativeFraction, outputs['statistics/entk_negative_frac'], 1e-6);
  for (const threshold of [0.001, 0.01]) {
    close(
      `entk srank ${threshold}`,
      statistics.effectiveRank[threshold],
      outputs[`statistics/entk_srank_${threshold}`],
      0,
    );
  }
  void config;
}
