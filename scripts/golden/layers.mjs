// What families of layers share: running a layer on an adapter and reading everything back, and the loss that gradients are taken of.

/** Host arrays as tensors of an adapter. */
export const toTensors = (ops, inputs) =>
  Object.fromEntries(Object.entries(inputs).map(([name, { data, shape }]) => [name, ops.tensor(data, shape)]));

/** Renames short input names to parameter paths. */
export const withPaths = (tensors, paths) =>
  Object.fromEntries(Object.entries(paths).map(([name, path]) => [path, tensors[name]]));

/** A tensor as { shape, data } on the host. */
export const readBack = (ops, x) => ({ shape: ops.shape(x), data: ops.read(x) });

/** sum(output * R), the scalar that every layer vector's gradients are of. */
export function weightedSum(ops, output, R) {
  return ops.sum(
    ops.multiply(output, ops.tensor(R.data, R.shape)),
    R.shape.map((_, axis) => axis),
  );
}

/** Parameter paths of the experts' short names. */
export const EXPERT_PATHS = {
  W1: 'params/ExpertModel_0/net/kernel',
  b1: 'params/ExpertModel_0/net/bias',
  W2: 'params/ExpertModel_0/Dense_0/kernel',
  b2: 'params/ExpertModel_0/Dense_0/bias',
};
