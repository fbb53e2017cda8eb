// A process of its own for operations.test.ts: loads the operations where the system gives only some of the threads that are asked for, and calls one whose
// intermediate results find no memory. Prints what came of it as JSON. For Linux with `prlimit`.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { addonFile, nativePaths } from '../layout.ts';
import { registerTfjsNode } from '../load-tfjs-node.ts';
import { loadOperations } from '../operations.ts';

const ASKED = 500;
const paths = nativePaths('cpu');
const threads = () => readdirSync('/proc/self/task').length;
const addressBytes = () => 1024 * Number(/VmSize:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
const limit = (bytes) => {
  const { status } = spawnSync('prlimit', ['--pid', String(process.pid), `--as=${bytes}:`]);
  if (status !== 0) throw new Error('prlimit failed');
};

/** Calls `run` while the process may have only so much more address space. */
const within = (bytes, run) => {
  limit(addressBytes() + bytes);
  try {
    return run();
  } finally {
    limit('unlimited');
  }
};

let binding;
let started = 0;
registerTfjsNode(
  paths.tfjsNode,
  addonFile(paths),
  '@tensorflow/tfjs-node',
  (loaded) => {
    binding = loaded;
    process.env.TF_NUM_INTRAOP_THREADS = String(ASKED);
  },
  () => {
    const before = threads();
    // The first operation that is tried starts the threads, each of which wants 8 MB for its stack.
    const executeOp = (...call) => within(200e6, () => binding.executeOp(...call));
    const names = loadOperations(paths, Object.create(binding, { executeOp: { value: executeOp } }));
    started = threads() - before;
    return names;
  },
);

const full = (shape, value) =>
  binding.createTensor(shape, binding.TF_FLOAT, new Float32Array(shape.reduce((size, n) => size * n)).fill(value));

// One expert: 2,048 rows are computed in 16 parts, each with the whole gradient of 2 * 700 * 700 weights for itself: 63 MB beside 10 MB of results.
const [rows, width] = [2048, 700];
const inputs = [
  full([1, rows, width], 1),
  full([1, width, width], 1 / width),
  full([1, width, width], 1),
  full([1, rows, width], 1),
  full([1, rows, width], 1),
];
const gradients = () => binding.executeOp('MoeRlExpertMlpGrad', [], inputs, 5).map(({ id }) => id);
let message = '';
try {
  within(40e6, gradients);
} catch (error) {
  message = error.message;
}
// The bias of the output: the sum of the gradients of all rows.
const bias = binding.tensorDataSync(gradients()[4])[0];
process.stdout.write(JSON.stringify({ asked: ASKED, started, message, bias, rows }));
