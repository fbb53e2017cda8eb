// Operations beyond TensorFlow's own, registered when this library is loaded as a Node addon (which exports nothing). Made with TensorFlow's C interface alone,
// so that any compiler will do:
//
//   MoeRlSoftmaxMatmul(logits, values) -> result, largest, scale
//   MoeRlSoftmaxMatmulGrad(logits, values, result, largest, scale, of_result) -> of_logits, of_values
//   MoeRlExpertMlp(slots, kernel, bias, output_kernel, output_bias) -> output, hidden
//   MoeRlExpertMlpGrad(slots, kernel, output_kernel, hidden, of_output) -> of_slots, of_kernel, of_bias, of_output_kernel, of_output_bias
//   MoeRlImages(frames) -> images
//   MoeRlConvolution(images, kernel, bias) -> output
//   MoeRlDense(x, kernel, bias) -> output
//
// logits [B, N, M] (with `transpose` [B, M, N], the softmax over M all the same), values [B, M, D], result [B, N, D]; slots and output [B, E * P, D], kernel
// [E, D, H], output_kernel [E, H, D], hidden [E, B * P, H]. Frames are planes of bytes [B, W, H, W'], of which images [B, H, W', count] are `count` from `first`
// on; the last two are TensorFlow's own for few rows, with bias and, if asked for, relu in them. See kernels.h.
#include <algorithm>
#include <vector>

#include "call.h"
#include "image-operations.h"
#include "threads.h"

namespace moe_rl {
namespace {

struct Batch {
  int64_t samples;
  AverageSizes sizes;
  int64_t logits() const { return sizes.averages * sizes.values; }
  int64_t values() const { return sizes.values * sizes.width; }
  int64_t results() const { return sizes.averages * sizes.width; }
};

/** The sizes of a call; refuses tensors that don't fit one another. */
Batch sizesOf(Call& call, TF_Tensor* logits, TF_Tensor* values, bool transposed) {
  Batch batch{};
  if (TF_NumDims(logits) != 3 || TF_NumDims(values) != 3) {
    call.refuse("softmaxMatmul: logits and values must have three dimensions");
    return batch;
  }
  const int64_t rows = TF_Dim(logits, 1), columns = TF_Dim(logits, 2);
  batch = {TF_Dim(logits, 0), {transposed ? columns : rows, transposed ? rows : columns, TF_Dim(values, 2), transposed}};
  if (TF_Dim(values, 0) != batch.samples || TF_Dim(values, 1) != batch.sizes.values) {
    call.refuse("softmaxMatmul: values must have the samples of logits, and a row for each thing that is weighted");
  } else if (batch.sizes.values == 0) {
    call.refuse("softmaxMatmul: there is nothing to average");
  }
  return batch;
}

void averages(void* transposed, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor *logits = call.input(0), *values = call.input(1);
  if (!call.isGood()) return;
  const Batch batch = sizesOf(call, logits, values, transposed != nullptr);
  if (!call.isGood()) return;
  const int64_t N = batch.sizes.averages;
  float* result = call.output(0, {batch.samples, N, batch.sizes.width});
  float* largest = call.output(1, {batch.samples, N});
  float* scale = call.output(2, {batch.samples, N});
  if (!call.isGood()) return;
  const float *l = data(logits), *v = data(values);
  Threads::shared().each(batch.samples, [=](std::ptrdiff_t b) {
    kernels.averageForward(batch.sizes, l + b * batch.logits(), v + b * batch.values(), result + b * batch.results(),
                    largest + b * N, scale + b * N);
  });
}

void averagesBackward(void* transposed, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor* inputs[6];
  for (int index = 0; index < 6; index++) inputs[index] = call.input(index);
  if (!call.isGood()) return;
  const Batch batch = sizesOf(call, inputs[0], inputs[1], transposed != nullptr);
  if (!call.isGood()) return;
  const int64_t N = batch.sizes.averages, M = batch.sizes.values, D = batch.sizes.width;
  const int64_t averages = batch.samples * N;
  if (TF_TensorElementCount(inputs[2]) != averages * D || TF_TensorElementCount(inputs[3]) != averages ||
      TF_TensorElementCount(inputs[4]) != averages || TF_TensorElementCount(inputs[5]) != averages * D) {
    call.refuse("softmaxMatmul's gradient: tensors of different sizes");
  }
  if (!call.isGood()) return;
  float* ofLogits = transposed ? call.output(0, {batch.samples, M, N}) : call.output(0, {batch.samples, N, M});
  float* ofValues = call.output(1, {batch.samples, M, D});
  if (!call.isGood()) return;
  const float *l = data(inputs[0]), *v = data(inputs[1]), *result = data(inputs[2]), *largest = data(inputs[3]),
              *scale = data(inputs[4]), *ofResult = data(inputs[5]);
  Threads::shared().each(batch.samples, [=](std::ptrdiff_t b) {
    kernels.averageBackward(batch.sizes, l + b * batch.logits(), v + b * batch.values(), result + b * batch.results(),
                     largest + b * N, scale + b * N, ofResult + b * batch.results(), ofLogits + b * batch.logits(),
                     ofValues + b * batch.values());
  });
}

/** The sizes of experts; refuses tensors that don't fit one another. */
ExpertSizes expertSizesOf(Call& call, TF_Tensor* slots, TF_Tensor* kernel, TF_Tensor* outputKernel) {
  if (TF_NumDims(slots) != 3 || TF_NumDims(kernel) != 3 || TF_NumDims(outputKernel) != 3) {
    call.refuse("expertMlp: slots and kernels must have three dimensions");
    return {};
  }
  const int64_t E = TF_Dim(kernel, 0), D = TF_Dim(kernel, 1), H = TF_Dim(kernel, 2);
  if (E < 1 || TF_Dim(slots, 1) % E != 0 || TF_Dim(slots, 2) != D || TF_Dim(outputKernel, 0) != E ||
      TF_Dim(outputKernel, 1) != H || TF_Dim(outputKernel, 2) != D) {
    call.refuse("expertMlp: slots must be as many for each expert and as wide as the kernels, which must fit each other");
    return {};
  }
  return {TF_Dim(slots, 0), E, TF_Dim(slots, 1) / E, D, H};
}

/** Parts that the rows of an expert are computed in: by the sizes alone, so that sums don't depend on the number of threads. */
int64_t partsOf(const ExpertSizes& sizes) {
  const int64_t wanted = (16 + sizes.experts - 1) / sizes.experts;
  return std::max<int64_t>(1, std::min<int64_t>(wanted, sizes.rows() / 128));
}

/** Calls run(expert, part, from, to) for all parts of all experts, on all threads. */
template <typename Run>
void eachPart(const ExpertSizes& sizes, int64_t parts, const Run& run) {
  const int64_t rows = sizes.rows();
  Threads::shared().each(sizes.experts * parts, [=](std::ptrdiff_t unit) {
    const int64_t part = unit % parts;
    run(unit / parts, part, rows * part / parts, rows * (part + 1) / parts);
  });
}

void experts(void*, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor* inputs[5];
  for (int index = 0; index < 5; index++) inputs[index] = call.input(index);
  if (!call.isGood()) return;
  const ExpertSizes sizes = expertSizesOf(call, inputs[0], inputs[1], inputs[3]);
  if (!call.isGood()) return;
  if (TF_TensorElementCount(inputs[2]) != sizes.experts * sizes.hidden ||
      TF_TensorElementCount(inputs[4]) != sizes.experts * sizes.width) {
    call.refuse("expertMlp: biases must have a number for each output of the kernels");
  }
  if (!call.isGood()) return;
  float* output = call.output(0, {sizes.samples, sizes.experts * sizes.slots, sizes.width});
  float* hidden = call.output(1, {sizes.experts, sizes.rows(), sizes.hidden});
  if (!call.isGood()) return;
  const float *slots = data(inputs[0]), *kernel = data(inputs[1]), *bias = data(inputs[2]),
              *outputKernel = data(inputs[3]), *outputBias = data(inputs[4]);
  eachPart(sizes, partsOf(sizes), [=](int64_t expert, int64_t, int64_t from, int64_t to) {
    kernels.expertForward(sizes, expert, from, to, slots, kernel, bias, outputKernel, outputBias, hidden, output);
  });
}

void expertsBackward(void*, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor* inputs[5];
  for (int index = 0; index < 5; index++) inputs[index] = call.input(index);
  if (!call.isGood()) return;
  const ExpertSizes sizes = expertSizesOf(call, inputs[0], inputs[1], inputs[2]);
  if (!call.isGood()) return;
  const int64_t E = sizes.experts, D = sizes.width, H = sizes.hidden;
  if (TF_TensorElementCount(inputs[3]) != E * sizes.rows() * H ||
      TF_TensorElementCount(inputs[4]) != E * sizes.rows() * D) {
    call.refuse("expertMlp's gradient: tensors of different sizes");
  }
  if (!call.isGood()) return;
  float* ofSlots = call.output(0, {sizes.samples, E * sizes.slots, D});
  const int64_t lengths[4] = {D * H, H, H * D, D};
  float* whole[4] = {call.output(1, {E, D, H}), call.output(2, {E, H}), call.output(3, {E, H, D}),
                     call.output(4, {E, D})};
  if (!call.isGood()) return;
  const float *slots = data(inputs[0]), *kernel = data(inputs[1]), *outputKernel = data(inputs[2]),
              *hidden = data(inputs[3]), *ofOutput = data(inputs[4]);
  const int64_t parts = partsOf(sizes), length = lengths[0] + lengths[1] + lengths[2] + lengths[3];
  std::vector<float> sums(E * parts * length);
  float* sum = sums.data();
  eachPart(sizes, parts, [=](int64_t expert, int64_t part, int64_t from, int64_t to) {
    float* own = sum + (expert * parts + part) * length;
    const ExpertGradients gradients{own, own + lengths[0], own + lengths[0] + lengths[1],
                                    own + lengths[0] + lengths[1] + lengths[2]};
    kernels.expertBackward(sizes, expert, from, to, slots, kernel, outputKernel, hidden, ofOutput, ofSlots, gradients);
  });
  for (int64_t expert = 0; expert < E; expert++) {
    const float* own = sum + expert * parts * length;
    for (int which = 0; which < 4; own += lengths[which++]) {
      float* to = whole[which] + expert * lengths[which];
      std::copy(own, own + lengths[which], to);
      for (int64_t part = 1; part < parts; part++) {
        for (int64_t at = 0; at < lengths[which]; at++) to[at] += own[part * length + at];
      }
    }
  }
}

void* createPlain(TF_OpKernelConstruction*) { return nullptr; }

/** A kernel's state is whether its logits are transposed: null or not. */
void* createAverages(TF_OpKernelConstruction* construction) {
  static char yes;
  TF_Status* status = TF_NewStatus();
  unsigned char transposed = 0;
  TF_OpKernelConstruction_GetAttrBool(construction, "transpose", &transposed, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return transposed ? &yes : nullptr;
}

void forget(void*) {}

bool addAverages() {
  return add({"MoeRlSoftmaxMatmul",
              {"logits: float", "values: float"},
              {"result: float", "largest: float", "scale: float"},
              {"transpose: bool"},
              &createAverages, &guarded<averages>, &forget}) &&
         add({"MoeRlSoftmaxMatmulGrad",
              {"logits: float", "values: float", "result: float", "largest: float", "scale: float", "of_result: float"},
              {"of_logits: float", "of_values: float"},
              {"transpose: bool"},
              &createAverages, &guarded<averagesBackward>, &forget});
}

bool addExperts() {
  return add({"MoeRlExpertMlp",
              {"slots: float", "kernel: float", "bias: float", "output_kernel: float", "output_bias: float"},
              {"output: float", "hidden: float"},
              {},
              &createPlain, &guarded<experts>, &forget}) &&
         add({"MoeRlExpertMlpGrad",
              {"slots: float", "kernel: float", "output_kernel: float", "hidden: float", "of_output: float"},
              {"of_slots: float", "of_kernel: float", "of_bias: float", "of_output_kernel: float",
               "of_output_bias: float"},
              {},
              &createPlain, &guarded<expertsBackward>, &forget});
}

}  // namespace
}  // namespace moe_rl

/** Node calls this once it has loaded the library, in every thread that does. */
extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void* exports) {
  // What takes the place of TensorFlow's own kernels was measured against them with AVX2 and AVX-512, and is left out elsewhere.
  static const bool added = moe_rl::addAverages() && moe_rl::addExperts() &&
                            (moe_rl::kernels.lanes < 8 || moe_rl::addImages());
  static_cast<void>(added);
  return exports;
}
