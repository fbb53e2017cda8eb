// Loads the libraries that lie beside a GPU plugin before the plugin itself, as JAX does: the loader then finds them wherever they are.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { nativeAccess } from '../native/koffi-access.ts';
import { releaseFolder } from './locate.ts';
import type { PluginRelease } from './versions.ts';

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

/** Loads what can be loaded; what can't, the plugin itself complains of when it needs it. Nothing for the CPU plugin, which brings all it needs. */
export function preloadLibraries(release: PluginRelease): void {
  if (release.name === 'cpu' || release.name === 'rocm7') return;
  const folder = releaseFolder(release);
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
