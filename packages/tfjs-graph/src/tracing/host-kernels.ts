// Kernels outside of a trace: run on tfjs' plain JavaScript backend, over values that are in JavaScript anyway. What layers and optimizers do once to make
// their variables; nothing that is called often.
import * as tf from '@tensorflow/tfjs-core';
import { TracingError } from '../errors.ts';

const HOST = 'cpu';

interface HostBackend extends tf.KernelBackend {
  makeTensorInfo(shape: number[], dtype: tf.DataType, values?: tf.backend_util.BackendValues): tf.TensorInfo;
}

interface HostValues {
  hostValuesOf(dataId: object): tf.backend_util.BackendValues | undefined;
  write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object;
}

type Inputs = tf.TensorInfo[] | Record<string, tf.TensorInfo | null | undefined>;

/**
 * Runs a kernel on the plain JavaScript backend.
 * @throws TracingError when that backend is not registered, has no such kernel, or an input is a value of a traced step
 */
export function runOnHost(
  backend: HostValues,
  kernelName: string,
  inputs: Inputs,
  attrs: object,
): tf.TensorInfo | tf.TensorInfo[] {
  const kernel = tf.getKernel(kernelName, HOST);
  const host = tf.findBackend(HOST) as HostBackend | null;
  if (!kernel || host === null) {
    throw new TracingError(
      `the operation ${kernelName} is called outside of a program's entry points, where it runs on tfjs' backend "cpu", which ${host === null ? 'is not there: import @tensorflow/tfjs' : 'lacks it'}`,
    );
  }
  const move = (tensor: tf.TensorInfo): tf.TensorInfo => {
    const values = backend.hostValuesOf(tensor.dataId);
    if (values === undefined) {
      throw new TracingError(
        `a tensor (${tensor.dtype} [${tensor.shape}]) that an entry point computed is used after it ended`,
      );
    }
    return host.makeTensorInfo(tensor.shape, tensor.dtype, values);
  };
  const moved = Array.isArray(inputs)
    ? inputs.map(move)
    : Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensor ? move(tensor) : tensor]));
  const results = kernel.kernelFunc({
    inputs: moved as tf.NamedTensorInfoMap,
    backend: host,
    attrs: attrs as tf.NamedAttrMap,
  });
  const take = (result: tf.TensorInfo): tf.TensorInfo => {
    const values = host.readSync(result.dataId).slice() as tf.backend_util.BackendValues;
    const dataId = backend.write(values, result.shape, result.dtype);
    return { dataId, shape: result.shape, dtype: result.dtype };
  };
  const taken = Array.isArray(results) ? results.map(take) : take(results);
  for (const tensor of [...Object.values(moved), ...[results].flat()]) {
    if (tensor) host.disposeData((tensor as tf.TensorInfo).dataId, true);
  }
  return taken;
}
