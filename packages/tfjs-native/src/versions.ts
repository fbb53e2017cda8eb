// The versions that are known to work together, and the platforms they exist for. Everything in the cache is keyed by these.

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

/** One platform that has a wheel. */
export interface PlatformWheel {
  /** Name of the Python package per variant; no entry where the variant does not exist. */
  readonly packages: { readonly cpu: string; readonly cuda?: string };
  /** Wheel platform tags, newest first. */
  readonly wheelTags: readonly string[];
  /** Approximate download size per variant, for progress and for the check of free space. */
  readonly downloadBytes: { readonly cpu: number; readonly cuda?: number };
  /** File name pattern of the two shared libraries. */
  readonly libraries: { readonly main: string; readonly framework: string };
}

const linuxLibraries = { main: 'libtensorflow_cc.so.2', framework: 'libtensorflow_framework.so.2' };

/** Wheels by `${process.platform}-${process.arch}`. */
export const platformWheels: Readonly<Record<string, PlatformWheel>> = {
  'linux-x64': {
    packages: { cpu: 'tensorflow-cpu', cuda: 'tensorflow' },
    wheelTags: ['manylinux_2_27_x86_64', 'manylinux2014_x86_64', 'manylinux_2_17_x86_64'],
    downloadBytes: { cpu: 274e6, cuda: 572e6 },
    libraries: linuxLibraries,
  },
  'linux-arm64': {
    packages: { cpu: 'tensorflow' },
    wheelTags: ['manylinux_2_27_aarch64', 'manylinux2014_aarch64', 'manylinux_2_17_aarch64'],
    downloadBytes: { cpu: 270e6 },
    libraries: linuxLibraries,
  },
  'darwin-arm64': {
    packages: { cpu: 'tensorflow' },
    wheelTags: ['macosx_12_0_arm64', 'macosx_11_0_arm64'],
    downloadBytes: { cpu: 260e6 },
    libraries: { main: 'libtensorflow_cc.2.dylib', framework: 'libtensorflow_framework.2.dylib' },
  },
};

/** Python versions that the wheel exists for; the C libraries inside are the same, so any will do. */
export const wheelPythonVersions: readonly string[] = ['3.12', '3.11', '3.13', '3.10'];

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
