// The plugins that are known to compute right numbers, each pinned by its Python wheel's file name and SHA-256 sum, with the libraries that it loads.
import { cuda12Wheels, type PinnedWheel } from '@moe-rl/core/node';
import { cuda13Wheels } from './cuda13-wheels.ts';

/** Plugins that can be fetched. */
export const pluginNames = ['cpu', 'cuda12', 'cuda13', 'rocm7'] as const;
export type PluginName = (typeof pluginNames)[number];

/** One plugin. */
export interface PluginRelease {
  readonly name: PluginName | 'cuda13-compiler';
  readonly version: string;
  /** What it runs on, for messages. */
  readonly device: string;
  /** The plugin's wheel, then those of the libraries that it loads. */
  readonly wheels: readonly PinnedWheel[];
  /** The shared library within the unpacked wheels. */
  readonly library: string;
  /** Which files of the wheels are unpacked. */
  readonly isNeeded: (name: string) => boolean;
  /** About what is downloaded and what it takes on the disk. */
  readonly downloadBytes: number;
  readonly diskBytes: number;
}

function wheel(fileName: string, sha256: string, bytes?: number): PinnedWheel {
  const [name = '', version = ''] = fileName.split('-');
  return { name: name.replaceAll('_', '-'), version, fileName, sha256, ...(bytes === undefined ? {} : { bytes }) };
}

const isLicense = (name: string): boolean => /(^|\/)(licen[sc]e|third_party)[^/]*$/i.test(name);

/** XLA's CPU compiler, built from the sources of the jaxlib of the same version. */
const cpu: PluginRelease = {
  name: 'cpu',
  version: '0.11.2',
  device: 'the processor',
  wheels: [
    wheel(
      'lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl',
      '1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1',
      63e6,
    ),
  ],
  library: 'lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so',
  isNeeded: (name) => name.endsWith('.so') || isLicense(name),
  downloadBytes: 63e6,
  diskBytes: 202e6,
};

const isNeededOfCuda = (name: string): boolean =>
  /\.so[.\d]*$/.test(name) || /\/(bin\/ptxas|bin\/nvlink|nvvm\/libdevice\/[^/]+)$/.test(name) || isLicense(name);
/** JAX's own plugin of CUDA 12, with NVIDIA's libraries. */
const cuda12: PluginRelease = {
  name: 'cuda12',
  version: '0.12.0.1',
  device: 'NVIDIA GPUs (driver 525 or newer)',
  wheels: [
    wheel(
      'jax_cuda12_pjrt-0.12.0.1-py3-none-manylinux_2_27_x86_64.whl',
      '5ec28e06198d094031c37590b4ea753ae8cde4879ab4b60baf40f0dffb673286',
      140e6,
    ),
    ...cuda12Wheels,
  ],
  library: 'jax_plugins/xla_cuda12/xla_cuda_plugin.so',
  isNeeded: isNeededOfCuda,
  downloadBytes: 2.9e9,
  diskBytes: 5.5e9,
};

/** JAX's own plugin of CUDA 13, with NVIDIA's libraries. */
const cuda13: PluginRelease = {
  name: 'cuda13',
  version: '0.12.0.1',
  device: 'NVIDIA GPUs (driver 580 or newer)',
  wheels: [
    wheel(
      'jax_cuda13_pjrt-0.12.0.1-py3-none-manylinux_2_27_x86_64.whl',
      '5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90',
      135e6,
    ),
    ...cuda13Wheels,
  ],
  library: 'jax_plugins/xla_cuda13/xla_cuda_plugin.so',
  isNeeded: isNeededOfCuda,
  downloadBytes: 2.5e9,
  diskBytes: 5e9,
};

/** As much of it as compiles for a GPU that is not there: the plugin, the assembler, NVIDIA's device library. */
export const cuda13Compiler: PluginRelease = {
  ...cuda13,
  name: 'cuda13-compiler',
  device: 'compiling for NVIDIA GPUs without one',
  wheels: cuda13.wheels.filter(({ name }) => ['jax-cuda13-pjrt', 'nvidia-cuda-nvcc', 'nvidia-nvvm'].includes(name)),
  downloadBytes: 257e6,
  diskBytes: 560e6,
};

/** JAX's own plugin for AMD; ROCm 7 itself comes with the system. */
const rocm7: PluginRelease = {
  name: 'rocm7',
  version: '0.12.0',
  device: 'AMD GPUs (ROCm 7 installed)',
  wheels: [
    wheel(
      'jax_rocm7_pjrt-0.12.0-py3-none-manylinux_2_27_x86_64.whl',
      '4551d0714523355f2946ca1958c3f584e95661e467a641d36b726f718a1c7934',
    ),
  ],
  library: 'jax_plugins/xla_rocm7/xla_rocm_plugin.so',
  isNeeded: (name) => /\.so[.\d]*$/.test(name) || isLicense(name),
  downloadBytes: 120e6,
  diskBytes: 400e6,
};

/** Options of a plugin's client. On a GPU, memory is taken as it is needed, not three quarters of the card at once. */
export function clientOptionsFor(device: 'cpu' | 'cuda' | 'rocm'): Readonly<Record<string, boolean>> {
  return device === 'cpu' ? {} : { preallocate: false };
}

/** Plugins by `${process.platform}-${process.arch}`. */
const releases: Readonly<Record<string, Partial<Record<PluginName, PluginRelease>>>> = {
  'linux-x64': { cpu, cuda12, cuda13, rocm7 },
};

/** The plugin of that name for this platform; undefined where there is none. */
export function findRelease(
  name: PluginName,
  platform: string = process.platform,
  arch: string = process.arch,
): PluginRelease | undefined {
  return releases[`${platform}-${arch}`]?.[name];
}
