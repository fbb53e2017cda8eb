// Loads the libraries that lie beside a GPU plugin before the plugin itself, as JAX does: the loader then finds them wherever they are.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nativeAccess } from '../native/koffi-access.ts';

/** In the order of their dependencies. */
const ORDER = [
  'libcudart',
  'libnvrtc',
  'libnvJitLink',
  'libcublasLt',
  'libcublas',
  'libcupti',
  'libcudnn',
  'libcufft',
  'libcusparse',
  'libcusolver',
  'libnccl',
  'libnvshmem_host',
];

/**
 * Loads what can be loaded of NVIDIA's libraries; what can't, the plugin itself complains of when it needs it.
 * @param plugin its file, in a folder such as Python's site-packages: `jax_plugins/xla_cuda13/xla_cuda_plugin.so`, with `nvidia/` beside `jax_plugins`
 */
export function preloadLibraries(plugin: string): void {
  const folder = join(dirname(plugin), '..', '..');
  if (!existsSync(join(folder, 'nvidia'))) return;
  const files = readdirSync(join(folder, 'nvidia'), { recursive: true, encoding: 'utf8' });
  for (const prefix of ORDER) {
    for (const file of files) {
      const name = file.split('/').at(-1)!;
      if (!name.startsWith(`${prefix}.so`)) continue;
      try {
        nativeAccess().preload(join(folder, 'nvidia', file));
      } catch {
        // see above
      }
    }
  }
}
