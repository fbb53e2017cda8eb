// What the tests run on: SwiftShader, the Vulkan driver in software that comes with Chromium, below Dawn (the package `webgpu`). Or whatever adapter the machine has.
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const FOLDERS = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
/** A library stays loaded after dlopen's user is gone (glibc). */
const RTLD_NODELETE = 0x1000;

function swiftShaderFolder(): string | undefined {
  return [process.env.MOE_RL_SWIFTSHADER, ...FOLDERS].find(
    (folder) => folder !== undefined && existsSync(join(folder, 'libvk_swiftshader.so')),
  );
}

function hasDawn(): boolean {
  try {
    createRequire(import.meta.url).resolve('webgpu');
    return true;
  } catch {
    return false;
  }
}

/** Why the tests can't run here; undefined where they can. */
export const missing = !hasDawn()
  ? 'the package webgpu is not installed'
  : swiftShaderFolder() === undefined && process.env.MOE_RL_WEBGPU_ADAPTER === undefined
    ? "no SwiftShader (libvk_swiftshader.so beside Chromium, or in MOE_RL_SWIFTSHADER); MOE_RL_WEBGPU_ADAPTER=1 takes the machine's own adapter"
    : undefined;

/**
 * Makes SwiftShader the only Vulkan driver of this process, unless MOE_RL_WEBGPU_ADAPTER asks for the machine's own. Before the first device is opened; `open` runs in
 * a folder where SwiftShader is told to use one thread, by which a dispatch takes a fifth of the time.
 */
export async function withSoftwareAdapter<T>(open: () => Promise<T>): Promise<T> {
  const folder = swiftShaderFolder();
  if (folder === undefined || process.env.MOE_RL_WEBGPU_ADAPTER !== undefined) return open();
  const here = process.cwd();
  const { VK_ICD_FILENAMES: driver } = softwareEnvironment() as { VK_ICD_FILENAMES: string };
  process.env.VK_ICD_FILENAMES = driver;
  const scratch = dirname(driver);
  writeFileSync(join(scratch, 'SwiftShader.ini'), '[Processor]\nThreadCount=1\n');
  preload(join(folder, 'libvulkan.so.1'));
  process.chdir(scratch);
  try {
    return await open();
  } finally {
    process.chdir(here);
  }
}

/** Variables that make SwiftShader the Vulkan driver of a program that is started with them; none where the machine's own adapter was asked for. */
export function softwareEnvironment(): Record<string, string> {
  const folder = swiftShaderFolder();
  if (folder === undefined || process.env.MOE_RL_WEBGPU_ADAPTER !== undefined) return {};
  const driver = join(mkdtempSync(join(tmpdir(), 'moe-rl-webgpu-')), 'icd.json');
  const ICD = { library_path: join(folder, 'libvk_swiftshader.so'), api_version: '1.0.5' };
  writeFileSync(driver, JSON.stringify({ file_format_version: '1.0.0', ICD }));
  return { VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: folder };
}

/** Loads Vulkan's loader, which Dawn then finds by its name: it is no add-on of Node's, which says so and leaves it loaded. */
function preload(library: string): void {
  if (!existsSync(library)) return;
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | RTLD_NODELETE);
  } catch {
    // As expected.
  }
}
