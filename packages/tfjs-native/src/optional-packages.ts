// Finds and imports packages that a user may have installed or not (another backend, tfjs-node).

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Resolves a package that may be missing: from this package first, then from the script that was started. Never from the working folder: whoever can write
 * there could have any code run.
 */
export function resolveOptional(request: string, script: string | undefined = process.argv[1]): string | undefined {
  for (const from of [import.meta.url, ...scriptUrl(script)]) {
    const require = createRequire(from);
    try {
      return require.resolve(request);
    } catch {
      // A package that can only be imported still has a folder that can be seen.
      for (const folder of require.resolve.paths(request) ?? []) {
        const manifest = join(folder, request, 'package.json');
        if (existsSync(manifest)) return manifest;
      }
    }
  }
  return undefined;
}

/** Imports a package that {@link resolveOptional} finds. */
export async function importOptional(request: string): Promise<unknown> {
  try {
    return await import(request);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const path = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND' ? resolveOptional(request) : undefined;
    if (path === undefined) throw error;
    if (!path.endsWith('package.json')) return import(pathToFileURL(path).href);
    const { module, main = 'index.js' } = JSON.parse(readFileSync(path, 'utf8')) as { module?: string; main?: string };
    return import(pathToFileURL(join(dirname(path), module ?? main)).href);
  }
}

/** The started script's real place: npm starts programs through links. */
function scriptUrl(script: string | undefined): string[] {
  try {
    return script === undefined ? [] : [pathToFileURL(realpathSync(script)).href];
  } catch {
    return [];
  }
}
