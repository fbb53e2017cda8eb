// What TensorFlow calls the outputs of its operations: within a function of a graph an edge names the output, where a graph itself numbers it.

/** Operations by the name of their one output. All that tfjs runs and that are not listed call theirs `output`. */
const oneOutput: Readonly<Record<string, string>> = {
  activations: 'Elu LeakyRelu Relu Relu6 Selu Softplus',
  backprops: 'EluGrad ReluGrad',
  bins: 'Bincount',
  crops: 'CropAndResize',
  dense: 'SparseToDense',
  index: 'Where',
  logsoftmax: 'LogSoftmax',
  out: 'Cumprod Cumsum',
  product: 'MatMul',
  resized_images: 'ResizeBilinear ResizeNearestNeighbor',
  softmax: 'Softmax',
  sum: 'AddN',
  value: 'ReadVariableOp',
  y: 'Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil Cos Cosh DeepCopy Erf Exp Expm1 Floor IsFinite IsInf IsNan Log Log1p LogicalNot Neg OnesLike Reciprocal Round Rsqrt Sigmoid Sign Sin Sinh Sqrt Square Tan Tanh Transpose ZerosLike',
  z: 'Add AddV2 Atan2 Div DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr Maximum Minimum Mul NotEqual Pow RealDiv SquaredDifference Sub',
};

const severalOutputs: Readonly<Record<string, readonly string[]>> = {
  TopKV2: ['values:0', 'indices:0'],
  UniqueV2: ['y:0', 'idx:0'],
};
/** Of these the outputs are a list of one name. */
const lists = new Set(['Split', 'SplitV', 'Unpack']);

const nameOf = new Map(Object.entries(oneOutput).flatMap(([name, ops]) => ops.split(' ').map((op) => [op, name])));

/** The output's name and its place in it, as edges within a function say it. */
export function outputName(op: string, index: number): string {
  if (lists.has(op)) return `output:${index}`;
  return severalOutputs[op]?.[index] ?? `${nameOf.get(op) ?? 'output'}:${index}`;
}
