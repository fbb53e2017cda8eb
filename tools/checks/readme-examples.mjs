// Runs every fenced `ts` block of the packages' READMEs against the built packages, as a reader would. A block whose first line is `// not run: <why>` is left out;
// one that needs a WebGPU adapter says so there, and is run on SwiftShader where Chromium brings it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageFolders } from './workspace.mjs';

export async function checkReadmeExamples(root) {
  const problems = [];
  for (const folder of packageFolders(root)) {
    const readme = join(root, folder, 'README.md');
    if (!existsSync(readme)) continue;
    const blocks = [...readFileSync(readme, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => match[1]);
    const scratch = join(root, folder, '.tsbuild');
    for (const [index, block] of blocks.entries()) {
      if (block.startsWith('// not run:')) continue;
      const environment = block.startsWith('// runs where WebGPU has an adapter') ? await softwareAdapter(root) : {};
      if (environment === undefined) continue;
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
    }
    rmSync(scratch, { recursive: true, force: true });
  }
  return problems;
}

/** Variables that give a program a WebGPU adapter, as the tests of @moe-rl/webgpu have it; undefined where there is none. */
async function softwareAdapter(root) {
  const { missing, softwareEnvironment } = await import(
    pathToFileURL(join(root, 'packages/webgpu/src/testing/software-adapter.ts')).href
  );
  return missing === undefined ? softwareEnvironment() : undefined;
}
