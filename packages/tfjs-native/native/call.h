// What operations share: the part of TensorFlow's C interface that they are made with, the kernels that this processor runs, and the tensors of a call. For
// operations.cc alone.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <new>
#include <string>

#include "kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

// Out of tensorflow/c/kernels.h, which includes a header that isn't among those of the C interface.
extern "C" {
typedef struct TF_KernelBuilder TF_KernelBuilder;
typedef struct TF_OpKernelConstruction TF_OpKernelConstruction;
typedef struct TF_OpKernelContext TF_OpKernelContext;
TF_KernelBuilder* TF_NewKernelBuilder(const char* operation, const char* device,
                                      void* (*create)(TF_OpKernelConstruction*),
                                      void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*));
void TF_RegisterKernelBuilder(const char* name, TF_KernelBuilder*, TF_Status*);
void TF_GetInput(TF_OpKernelContext*, int index, TF_Tensor**, TF_Status*);
TF_Tensor* TF_AllocateOutput(TF_OpKernelContext*, int index, TF_DataType, const int64_t* shape, int rank, size_t bytes,
                             TF_Status*);
void TF_OpKernelContext_Failure(TF_OpKernelContext*, TF_Status*);
void TF_OpKernelConstruction_Failure(TF_OpKernelConstruction*, TF_Status*);
void TF_OpKernelConstruction_GetAttrBool(TF_OpKernelConstruction*, const char* name, unsigned char* value, TF_Status*);
void TF_OpKernelConstruction_GetAttrInt64(TF_OpKernelConstruction*, const char* name, int64_t* value, TF_Status*);
}

namespace moe_rl {
namespace {

/** The widest instructions that the processor has, or those that MOE_RL_INSTRUCTIONS names (avx2, basic), if it has them. */
Kernels best() {
#if defined(MOE_RL_X86)
  const char* set = std::getenv("MOE_RL_INSTRUCTIONS");
  const std::string limit = set == nullptr ? "" : set;
  const bool hasAvx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  const bool hasAvx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (hasAvx512 && hasAvx2 && limit != "avx2" && limit != "basic") return kernelsAvx512();
  if (hasAvx2 && limit != "basic") return kernelsAvx2();
#endif
  return kernelsBasic();
}

const Kernels kernels = best();

/** The tensors of one call. The first failure goes to TensorFlow; what is asked for after it is null, for TensorFlow's functions would clear its status. */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    for (int at = 0; at < count_; at++) TF_DeleteTensor(tensors_[at]);
    TF_DeleteStatus(status_);
  }

  TF_Tensor* input(int index) {
    TF_Tensor* tensor = nullptr;
    if (hasFailed()) return nullptr;
    TF_GetInput(context_, index, &tensor, status_);
    return keep(tensor);
  }

  float* output(int index, std::initializer_list<int64_t> shape) {
    if (hasFailed()) return nullptr;
    int64_t size = sizeof(float);
    for (const int64_t dimension : shape) size *= dimension;
    TF_Tensor* tensor = keep(TF_AllocateOutput(context_, index, TF_FLOAT, shape.begin(),
                                               static_cast<int>(shape.size()), size, status_));
    return tensor == nullptr ? nullptr : static_cast<float*>(TF_TensorData(tensor));
  }

  void refuse(const char* message) { TF_SetStatus(status_, TF_INVALID_ARGUMENT, message); }

  /** False, and TensorFlow told, after a failure. */
  bool isGood() {
    if (!hasFailed()) return true;
    TF_OpKernelContext_Failure(context_, status_);
    return false;
  }

 private:
  bool hasFailed() const { return TF_GetCode(status_) != TF_OK; }

  TF_Tensor* keep(TF_Tensor* tensor) {
    if (tensor != nullptr) tensors_[count_++] = tensor;
    return tensor;
  }

  TF_OpKernelContext* context_;
  TF_Status* status_;
  TF_Tensor* tensors_[10];
  int count_ = 0;
};

const float* data(TF_Tensor* tensor) { return static_cast<const float*>(TF_TensorData(tensor)); }

/** A kernel's function for TensorFlow, which is called through C and lets no exception through: without memory the operation fails, and not the process. */
template <void (*COMPUTE)(void*, TF_OpKernelContext*)>
void guarded(void* state, TF_OpKernelContext* context) {
  try {
    COMPUTE(state, context);
  } catch (const std::bad_alloc&) {
    TF_Status* status = TF_NewStatus();
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "there is no memory left for an operation's intermediate results");
    TF_OpKernelContext_Failure(context, status);
    TF_DeleteStatus(status);
  }
}

/** What TensorFlow is told of an operation. */
struct Definition {
  const char* name;
  std::initializer_list<const char*> inputs, outputs, attributes;
  void* (*create)(TF_OpKernelConstruction*);
  void (*compute)(void*, TF_OpKernelContext*);
  void (*destroy)(void*);
};

bool add(const Definition& definition) {
  TF_OpDefinitionBuilder* operation = TF_NewOpDefinitionBuilder(definition.name);
  for (const char* input : definition.inputs) TF_OpDefinitionBuilderAddInput(operation, input);
  for (const char* output : definition.outputs) TF_OpDefinitionBuilderAddOutput(operation, output);
  for (const char* attribute : definition.attributes) TF_OpDefinitionBuilderAddAttr(operation, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(operation, &TF_ShapeInferenceContextSetUnknownShape);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(operation, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_RegisterKernelBuilder(
        definition.name,
        TF_NewKernelBuilder(definition.name, "CPU", definition.create, definition.compute, definition.destroy), status);
  }
  const bool added = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return added;
}

}  // namespace
}  // namespace moe_rl
