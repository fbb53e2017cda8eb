// Runs every fenced `ts` block of the packages' READMEs against the built packages, as a reader would. A block whose first line is `// not run: <why>` is left out;
// one that needs a WebGPU adapter says so there, and is run on SwiftShader where Chromium brings it.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { command } from './command.mjs';
import { packageFolders } from './workspace.mjs';

export async function checkReadmeExamples(root) {
  const problems = await Promise.all(packageFolders(root).map((folder) => checkReadme(root, folder)));
  return problems.flat();
}

/** The examples of one README, one after the other. */
async function checkReadme(root, folder) {
  const readme = join(root, folder, 'README.md');
  if (!existsSync(readme)) return [];
  const blocks = [...readFileSync(readme, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => match[1]);
  const scratch = join(root, folder, '.tsbuild');
  const problems = [];
  for (const [index, block] of blocks.entries()) {
    if (block.startsWith('// not run:')) continue;
    const env = block.startsWith('// runs where WebGPU has an adapter') ? await softwareAdapter(root) : {};
    if (env === undefined) continue;
    mkdirSync(scratch, { recursive: true });
    const file = join(scratch, `readme-example-${index + 1}.ts`);
    writeFileSync(file, block);
    const options = { cwd: join(root, folder), env, timeoutSeconds: 120 };
    for (const problem of await command(process.execPath, ['--no-warnings', file], options))
      problems.push(`${folder}/README.md, example ${index + 1}: ${problem.slice(-1500)}`);
  }
  rmSync(scratch, { recursive: true, force: true });
  return problems;
}

/** Variables that give a program a WebGPU adapter, as the tests of @moe-rl/webgpu have it; undefined where there is none. */
async function softwareAdapter(root) {
  const { missing, softwareEnvironment } = await import(
    pathToFileURL(join(root, 'packages/webgpu/src/testing/software-adapter.ts')).href
  );
  return missing === undefined ? softwareEnvironment() : undefined;
}
