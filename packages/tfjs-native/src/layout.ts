// Where the parts of the native backend lie in the cache, and how an installation reports what it does. Layout, below `<cache>/tfjs-native/`:
//
//   tensorflow-<version>-<variant>-<platform>/   tensorflow/ (library, headers) and nvidia/ (CUDA only), as in Python's site-packages
//   tfjs-node-<version>/                         dist/ (JavaScript), binding/ (C++)
//   addon-<key>/                                 tfjs_binding.node, linked to the library by a relative path; quiet.node
//   operations-<key>-<hash of their sources>/    operations.node, linked likewise

import { join } from 'node:path';
import { requireOneOf } from '@moe-rl/core';
import { cacheDirectory } from '@moe-rl/core/node';
import { hasNvidiaGpu } from './tools.ts';
import {
  ADDON_REVISION,
  findPlatformWheel,
  NODE_API_VERSION,
  TENSORFLOW_VERSION,
  type TensorFlowVariant,
  TFJS_NODE_VERSION,
} from './versions.ts';

/** What an installation is doing; `message` is a line fit for showing. */
export interface ProgressEvent {
  readonly stage: 'wait' | 'download' | 'unpack' | 'compile' | 'load';
  readonly message: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}

/** Where the parts of the native backend lie. */
export interface NativePaths {
  readonly variant: TensorFlowVariant;
  readonly root: string;
  readonly library: string;
  readonly tfjsNode: string;
  readonly addon: string;
}

/** Takes progress events. */
export type Report = (event: ProgressEvent) => void;

/**
 * The library that the user asks for by `MOE_RL_TENSORFLOW`; undefined where it is not set.
 * @throws InvalidArgumentError where it names none
 */
export function demandedVariant(): TensorFlowVariant | undefined {
  const { MOE_RL_TENSORFLOW: wanted } = process.env;
  return wanted ? requireOneOf('MOE_RL_TENSORFLOW', wanted, ['cpu', 'cuda']) : undefined;
}

/**
 * The variant for this machine: `cuda` where an NVIDIA GPU and a CUDA library exist, else `cpu`. `MOE_RL_TENSORFLOW` overrides.
 * @throws InvalidArgumentError where that names none
 */
export function chooseVariant(): TensorFlowVariant {
  const wanted = demandedVariant();
  if (wanted !== undefined) return wanted;
  const wheel = findPlatformWheel();
  return !('reason' in wheel) && wheel.wheels.cuda !== undefined && hasNvidiaGpu() ? 'cuda' : 'cpu';
}

/** The paths of the native backend in the cache, whether they exist or not. */
export function nativePaths(variant: TensorFlowVariant): NativePaths {
  const root = join(cacheDirectory(), 'tfjs-native');
  const platform = `${process.platform}-${process.arch}`;
  const key = `${TFJS_NODE_VERSION}-tensorflow-${TENSORFLOW_VERSION}-${variant}-${platform}-napi${NODE_API_VERSION}-${ADDON_REVISION}`;
  return {
    variant,
    root,
    library: join(root, `tensorflow-${TENSORFLOW_VERSION}-${variant}-${platform}`),
    tfjsNode: join(root, `tfjs-node-${TFJS_NODE_VERSION}`),
    addon: join(root, `addon-${key}`),
  };
}

/** The file that Node loads. */
export function addonFile(paths: NativePaths): string {
  return join(paths.addon, 'tfjs_binding.node');
}
