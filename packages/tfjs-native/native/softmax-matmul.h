// Averages weighted by a softmax, `softmax(logits) @ values`, and their gradients, a sample at a time. The weights [N, M] are made a few rows at a time, used
// while they are in the cache, and never written down. Compiled once per instruction set (MOE_RL_VARIANT); operations.cc picks one when it is loaded.
#pragma once
#include <cstddef>

namespace moe_rl {

/** One sample: N averages of M values of D numbers. All arrays are row-major and dense. */
struct Sizes {
  std::ptrdiff_t averages;
  std::ptrdiff_t values;
  std::ptrdiff_t width;
  /** Logits are [M, N] rather than [N, M]: the softmax runs over their rows. */
  bool transposed;
};

/**
 * @param result [N, D]
 * @param largest [N], the largest logit of each average
 * @param scale [N], 1 / sum(exp(logits - largest)): what the gradient makes the weights from
 */
using Forward = void (*)(const Sizes&, const float* logits, const float* values, float* result, float* largest,
                         float* scale);

/** @param ofResult gradient of the result [N, D] @param ofLogits as the logits @param ofValues [M, D] */
using Backward = void (*)(const Sizes&, const float* logits, const float* values, const float* result,
                          const float* largest, const float* scale, const float* ofResult, float* ofLogits,
                          float* ofValues);

struct Kernels {
  Forward forward;
  Backward backward;
};

Kernels kernelsBasic();
Kernels kernelsAvx2();
Kernels kernelsAvx512();

}  // namespace moe_rl
