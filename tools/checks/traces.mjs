// Nothing of one machine is committed: no registry address, no absolute path of a checkout, no ROM that isn't ours, no skipped test without a reason.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function checkTraces(root) {
  const files = spawnSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
  const problems = files
    .filter(
      (file) => /\.(bin|a26|rom|so|node|whl|tgz)$/i.test(file) && !file.startsWith('packages/ale-wasm/embedded-game/'),
    )
    .map((file) => `${file}: binary files are not committed (only our own game's ROM is)`);
  for (const file of files) {
    if (/^testdata\/|\.(png|gif|gz|bin|wasm)$/.test(file)) continue;
    const text = readFileSync(join(root, file), 'utf8');
    if (file === 'pnpm-lock.yaml' && /https?:\/\//.test(text)) problems.push(`${file}: names an address`);
    const only = /\b(?:it|test|describe)\.(?:only|todo)\(/.exec(text);
    if (/\.test\.(ts|mjs)$/.test(file) && only) problems.push(`${file}: ${only[0]}`);
  }
  return problems;
}
