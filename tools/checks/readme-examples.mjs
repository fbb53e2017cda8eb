// Runs every fenced `ts` block of the packages' READMEs against the built packages, as a reader would. A block whose first line is `// not run: <why>` is left out;
// one that needs a WebGPU adapter says so there, and is run on SwiftShader where Chromium brings it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageFolders } from './workspace.mjs';

export function checkReadmeExamples(root) {
  const problems = [];
  for (const folder of packageFolders(root)) {
    const readme = join(root, folder, 'README.md');
    if (!existsSync(readme)) continue;
    const blocks = [...readFileSync(readme, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => match[1]);
    const scratch = join(root, folder, '.tsbuild');
    blocks.forEach((block, index) => {
      if (block.startsWith('// not run:')) return;
      const environment = block.startsWith('// runs where WebGPU has an adapter') ? softwareAdapter() : {};
      if (environment === undefined) return;
      mkdirSync(scratch, { recursive: true });
      const file = join(scratch, `readme-example-${index + 1}.ts`);
      writeFileSync(file, block);
      const result = spawnSync(process.execPath, ['--no-warnings', file], {
        cwd: join(root, folder),
        encoding: 'utf8',
        env: { ...process.env, ...environment },
        timeout: 120_000,
      });
      if (result.status !== 0)
        problems.push(
          `${folder}/README.md, example ${index + 1}: ${(result.stderr || String(result.error)).trim().slice(-1500)}`,
        );
    });
    rmSync(scratch, { recursive: true, force: true });
  }
  return problems;
}

/** What makes SwiftShader the Vulkan driver of a process; undefined where there is none. */
function softwareAdapter() {
  const folder = '/usr/lib/chromium';
  if (!existsSync(join(folder, 'libvk_swiftshader.so'))) return undefined;
  const driver = join(mkdtempSync(join(tmpdir(), 'moe-rl-webgpu-')), 'icd.json');
  const ICD = { library_path: join(folder, 'libvk_swiftshader.so'), api_version: '1.0.5' };
  writeFileSync(driver, JSON.stringify({ file_format_version: '1.0.0', ICD }));
  return { VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: folder };
}
