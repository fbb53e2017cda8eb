// The versions that are known to work together, and the platforms they exist for. Everything in the cache is keyed by these.

import type { PinnedWheel } from '@moe-rl/core/node';

/** TensorFlow's Python wheel, whose C libraries are used; pinned, because the addon is compiled against its headers. */
export const TENSORFLOW_VERSION = '2.21.0';

/** The TensorFlow.js package whose backend (JavaScript and C++ sources) runs on that library. */
export const TFJS_NODE_VERSION = '4.22.0';

/** Integrity of that package's archive. */
export const TFJS_NODE_INTEGRITY =
  'sha512-uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==';

/** Node-API version of the addon: one build serves every Node that we support. */
export const NODE_API_VERSION = 8;

/** Raised when what is compiled into the addon changes, so that caches are built anew. */
export const ADDON_REVISION = 2;

/** `cpu`: the smaller library. `cuda`: the library with CUDA 12, and NVIDIA's own libraries beside it. */
export type TensorFlowVariant = 'cpu' | 'cuda';

/** One platform that TensorFlow's library exists for. */
export interface PlatformWheel {
  /** The wheel per variant (the C library inside is the same for every Python); no entry where the variant does not exist. */
  readonly wheels: { readonly cpu: PinnedWheel; readonly cuda?: PinnedWheel };
  /** File names of the two shared libraries. */
  readonly libraries: { readonly main: string; readonly framework: string };
}

const linuxLibraries = { main: 'libtensorflow_cc.so.2', framework: 'libtensorflow_framework.so.2' };

function tensorflowWheel(name: string, platform: string, bytes: number, sha256: string): PinnedWheel {
  const fileName = `${name.replace('-', '_')}-${TENSORFLOW_VERSION}-cp312-cp312-${platform}.whl`;
  return { name, version: TENSORFLOW_VERSION, fileName, sha256, bytes };
}

/** Wheels by `${process.platform}-${process.arch}`. */
export const platformWheels: Readonly<Record<string, PlatformWheel>> = {
  'linux-x64': {
    wheels: {
      cpu: tensorflowWheel(
        'tensorflow-cpu',
        'manylinux_2_27_x86_64',
        274e6,
        'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
      ),
      cuda: tensorflowWheel(
        'tensorflow',
        'manylinux_2_27_x86_64',
        572e6,
        'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
      ),
    },
    libraries: linuxLibraries,
  },
  'linux-arm64': {
    wheels: {
      cpu: tensorflowWheel(
        'tensorflow',
        'manylinux_2_27_aarch64',
        270e6,
        'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
      ),
    },
    libraries: linuxLibraries,
  },
  'darwin-arm64': {
    wheels: {
      cpu: tensorflowWheel(
        'tensorflow',
        'macosx_12_0_arm64',
        260e6,
        '56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712',
      ),
    },
    libraries: { main: 'libtensorflow_cc.2.dylib', framework: 'libtensorflow_framework.2.dylib' },
  },
};

/** The platform's wheel, or the reason why there is none. */
export function findPlatformWheel(
  platform: string = process.platform,
  arch: string = process.arch,
): PlatformWheel | { readonly reason: string } {
  const wheel = platformWheels[`${platform}-${arch}`];
  if (wheel === undefined) {
    const hint = platform === 'win32' ? ' (WSL2 works)' : '';
    return {
      reason: `TensorFlow ${TENSORFLOW_VERSION} has no library that we can build on for ${platform}-${arch}${hint}`,
    };
  }
  if (platform === 'linux' && !usesGlibc()) {
    return { reason: `TensorFlow ${TENSORFLOW_VERSION} needs glibc; this system uses another C library` };
  }
  return wheel;
}

function usesGlibc(): boolean {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime !== undefined;
}
