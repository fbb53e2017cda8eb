// Wheels by their SHA-256 sum, against a stand-in for pip that brings whatever a test wants.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryRun } from './programs.ts';
import { fetchWheel, type PinnedWheel, reasonOf, type WheelTool } from './python-wheels.ts';

let folder = '';
let downloads = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-wheels-'));
  downloads = join(folder, 'downloads');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const content = 'what was published';
const wheel: PinnedWheel = {
  name: 'some-thing',
  version: '1.2',
  fileName: 'some_thing-1.2-cp312-cp312-manylinux_2_27_x86_64.manylinux2014_x86_64.whl',
  sha256: createHash('sha256').update(content).digest('hex'),
};

/** A pip that notes what it was asked and leaves `files`, or fails with `complaint`. */
function fakePip(files: Record<string, string>, complaint = ''): WheelTool {
  const script = join(folder, 'fake-pip.mjs');
  writeFileSync(
    script,
    `import { readFileSync, writeFileSync } from 'node:fs';
const args = process.argv.slice(2);
const after = (name) => args[args.indexOf(name) + 1];
const requirements = readFileSync(after('--requirement'), 'utf8');
writeFileSync(${JSON.stringify(join(folder, 'asked.json'))}, JSON.stringify({ args, requirements, cwd: process.cwd() }));
for (const [name, text] of Object.entries(${JSON.stringify(files)})) writeFileSync(after('--dest') + '/' + name, text);
if (${JSON.stringify(complaint)}) { console.error(${JSON.stringify(complaint)}); process.exit(1); }`,
  );
  return { kind: 'pip', pip: [process.execPath, script] };
}

describe('fetchWheel', () => {
  it('asks pip for one file, by its hash, unbuilt, and not in the working folder; a second time for nothing', async () => {
    const tool = fakePip({ [wheel.fileName]: content });
    const path = await fetchWheel(wheel, downloads, { tool });
    expect(path).toBe(join(downloads, wheel.fileName));
    expect(readFileSync(path, 'utf8')).toBe(content);
    expect(readdirSync(downloads)).toEqual([wheel.fileName]);
    const { args, requirements, cwd } = JSON.parse(readFileSync(join(folder, 'asked.json'), 'utf8'));
    expect(args).toEqual(expect.arrayContaining(['download', '--no-deps', '--only-binary=:all:', '--require-hashes']));
    expect(args.join(' ')).toContain('--python-version 3.12 --platform manylinux_2_27_x86_64 --platform manylinux2014');
    expect(requirements).toBe(`some-thing==1.2 --hash=sha256:${wheel.sha256}\n`);
    expect(cwd).not.toBe(process.cwd());
    expect(await fetchWheel(wheel, downloads, { tool: fakePip({}, 'never') })).toBe(path);
  });

  it('downloads anew, and says so, where another or half a file lies', async () => {
    mkdirSync(downloads);
    writeFileSync(join(downloads, wheel.fileName), content.slice(0, 5));
    const told: string[] = [];
    const onProgress = (message: string) => told.push(message);
    await fetchWheel(wheel, downloads, { tool: fakePip({ [wheel.fileName]: content }), onProgress });
    expect(told[0]).toMatch(/some-thing 1.2 anew: .*\(5 bytes\) is not the whole published file some_thing-1.2/);
    expect(readFileSync(join(downloads, wheel.fileName), 'utf8')).toBe(content);
  });

  it.each([
    ['other bytes', { [wheel.fileName]: 'something else' }, '', /SHA-256 sum is .*; expected [0-9a-f]{64}/],
    ['half of it', { [wheel.fileName]: content.slice(0, 9) }, '', /\(9 bytes\) is not the whole published file/],
    ['another file', { 'some_thing-1.3-py3-none-any.whl': content }, '', /brought some_thing-1.3-py3-none-any.whl/],
    ['nothing', {}, '', /brought no wheel/],
    [
      'pip’s word that the hash is wrong',
      {},
      'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.',
      /not the published file some_thing-1.2/,
    ],
  ])('keeps nothing of a wrong download: %s', async (_, files, complaint, message) => {
    const fetching = fetchWheel(wheel, downloads, { tool: fakePip(files, complaint) });
    await expect(fetching).rejects.toMatchObject({ code: 'CORRUPT_DATA', message: expect.stringMatching(message) });
    expect(readdirSync(downloads)).toEqual([]);
  });

  it('passes on why pip failed', async () => {
    const fetching = fetchWheel(wheel, downloads, {
      tool: fakePip({}, 'WARNING: slow\nERROR: No route\n\n[notice] new'),
    });
    await expect(fetching).rejects.toMatchObject({
      code: 'MISSING_DEPENDENCY',
      message: expect.stringMatching(/some-thing==1.2 could not be downloaded: No route. Check the network and pip/),
    });
  });
});

describe('reasonOf', () => {
  it('is pip’s error, or the nearest and the deepest of uv’s causes', () => {
    expect(reasonOf('python3 ended with status 1\nWARNING: slow\nERROR: No matching distribution')).toBe(
      'No matching distribution',
    );
    const causes = '  cause: Failed to download `https://a/b`\n  cause: client error\n  cause: name not known';
    expect(reasonOf(`uv ended with status 2\nerror: Request failed\n${causes}`)).toBe(
      'Failed to download `https://a/b`; name not known',
    );
  });
});

describe('a program', () => {
  const hasPython = tryRun(['python3'], ['--version']).ok;

  it.runIf(hasPython)('is never a Python module that lies in the working folder', () => {
    const before = process.cwd();
    mkdirSync(join(folder, 'pip'));
    const proof = join(folder, 'ran');
    writeFileSync(join(folder, 'pip', '__main__.py'), `open(${JSON.stringify(proof)}, 'w')`);
    process.chdir(folder);
    try {
      tryRun(['python3', '-m', 'pip'], ['--version', '--quiet']);
      expect(existsSync(proof)).toBe(false);
    } finally {
      process.chdir(before);
    }
  });
});
