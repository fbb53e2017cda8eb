// See kernels.h.
#include "kernels.h"

#include "expert-mlp.h"
#include "one-image.h"
#include "softmax-matmul.h"

#ifndef MOE_RL_VARIANT
#define MOE_RL_VARIANT kernelsBasic
#endif

namespace moe_rl {

Kernels MOE_RL_VARIANT() {
  return {LANES, averageForward, averageBackward, expertForward, expertBackward, convolve, denseRow, interleave};
}

}  // namespace moe_rl
