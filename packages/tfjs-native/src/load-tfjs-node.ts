// Loads tfjs-node's backend over the caller's own tfjs-core. tfjs-node's files are CommonJS that `require('@tensorflow/tfjs')`; resolving
// that from a cache folder would bring a second tfjs-core, so a small loader hands them the one that this package imports. The same loader
// supplies the two functions of `util` that Node 23 removed, without touching Node's own module.

import { existsSync, readFileSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import * as util from 'node:util';
import { compileFunction } from 'node:vm';
import { MissingDependencyError } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';

/** The part of tfjs-node's native binding that moe-rl uses; handles are integers. */
export interface TensorFlowBinding {
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_INT: number;
  isUsingGpuDevice(): boolean;
  createTensor(shape: number[], dtype: number, values: Float32Array): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): ArrayLike<number>;
  executeOp(name: string, attributes: readonly object[], inputIds: number[], outputCount: number): { id: number }[];
}

interface TfjsNodeBackend extends tf.KernelBackend {
  readonly binding: TensorFlowBinding;
  /** Names of operations beyond TensorFlow's own; those who know them look here. */
  addedOperations?: ReadonlySet<string>;
}

type BackendClass = new (binding: TensorFlowBinding, packageName: string) => TfjsNodeBackend;

/**
 * Registers tfjs-node's kernels and its backend under the name `tensorflow`.
 * @param packageFolder a folder with tfjs-node's `dist`.
 * @param addonPath the compiled addon.
 * @param inspect looks at the loaded library; what it throws keeps the backend from being registered.
 * @param addOperations adds operations to the library's and returns their names.
 * @returns what `inspect` found.
 */
export function registerTfjsNode<Finding>(
  packageFolder: string,
  addonPath: string,
  packageName: string,
  inspect: (binding: TensorFlowBinding) => Finding,
  addOperations: (binding: TensorFlowBinding) => readonly string[] = () => [],
): Finding {
  const nodeRequire = createRequire(addonPath);
  const quiet = join(dirname(addonPath), 'quiet.node');
  if (existsSync(quiet)) nodeRequire(quiet);
  const binding = nodeRequire(addonPath) as TensorFlowBinding;
  const finding = inspect(binding);
  const load = createLoader();
  load(join(packageFolder, 'dist', 'register_all_kernels.js'));
  const { NodeJSKernelBackend } = load(join(packageFolder, 'dist', 'nodejs_kernel_backend.js')) as {
    NodeJSKernelBackend: BackendClass;
  };
  const backend = new NodeJSKernelBackend(binding, packageName);
  backend.addedOperations = new Set(addOperations(binding));
  tf.registerBackend('tensorflow', () => backend, 3);
  return finding;
}

function createLoader(): (file: string) => unknown {
  const cache = new Map<string, { exports: unknown }>();
  const patchedUtil = {
    ...util,
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  };
  const load = (file: string): unknown => {
    const cached = cache.get(file);
    if (cached) return cached.exports;
    const module = { exports: {} as unknown };
    cache.set(file, module);
    const nodeRequire = createRequire(file);
    const require = (request: string): unknown => {
      if (request === '@tensorflow/tfjs' || request === '@tensorflow/tfjs-core') return tf;
      if (request === 'util') return patchedUtil;
      // Protocol buffers serve only tfjs-node's own TensorBoard writer and saved models, which this backend doesn't expose.
      if (request.endsWith('/proto/api_pb')) return {};
      if (!request.startsWith('.')) {
        if (builtinModules.includes(request.replace(/^node:/, ''))) return nodeRequire(request);
        throw new MissingDependencyError(`${file} asks for the package ${request}, which its backend should not need`);
      }
      const path = resolve(dirname(file), request);
      return load(existsSync(`${path}.js`) ? `${path}.js` : path);
    };
    const wrapper = compileFunction(
      readFileSync(file, 'utf8'),
      ['exports', 'require', 'module', '__filename', '__dirname'],
      { filename: file },
    );
    wrapper(module.exports, require, module, file, dirname(file));
    return module.exports;
  };
  return load;
}
