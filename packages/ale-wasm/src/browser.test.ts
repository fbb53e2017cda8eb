// The example page in a real browser (Debian's Chromium, or MOE_RL_CHROMIUM): it draws, plays about 60 frames a second, takes keys, makes sound.
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CHROMIUM = [process.env['MOE_RL_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path && existsSync(path),
);
const folder = fileURLToPath(new URL('..', import.meta.url));
const TYPES: Record<string, string> = { html: 'text/html', js: 'text/javascript' };

/** Serves examples/, and as dist/ what the sources bundle to, under a policy that forbids evaluating strings. */
async function serve(): Promise<Server> {
  const { outputFiles } = await build({
    entryPoints: [`${folder}src/index.ts`, `${folder}src/embedded-game.ts`],
    bundle: true,
    splitting: true,
    write: false,
    format: 'esm',
    outdir: `${folder}dist`,
  });
  const bundles = new Map(
    outputFiles.map((file) => [file.path.slice(folder.length - 1).replaceAll('\\', '/'), file.contents]),
  );
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').replace(/\/$/, '/index.html');
    const body =
      bundles.get(path) ??
      (path.startsWith('/examples/') && existsSync(folder + path) ? readFileSync(folder + path) : undefined);
    response.writeHead(body ? 200 : 404, {
      'content-type': TYPES[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
      'content-security-policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'unsafe-inline'",
    });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe.skipIf(!CHROMIUM)('the example page in Chromium', () => {
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    server = await serve();
    browser = await chromium.launch({
      executablePath: CHROMIUM as string,
      args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it('plays the embedded game with keyboard and sound', async () => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/examples/`);
    // Not waitForFunction: it evaluates strings in the page, which the page's policy forbids.
    await expect.poll(() => page.evaluate('globalThis.playedFrames?.() ?? 0'), { timeout: 20_000 }).toBeGreaterThan(30);
    const colors = await page.evaluate(
      `new Set(document.querySelector('canvas').getContext('2d').getImageData(0, 0, 160, 210).data).size`,
    );
    expect(colors).toBeGreaterThan(5);

    const ram = () => page.evaluate<number[]>('[...globalThis.ale.ram()]');
    await page.keyboard.down('ArrowLeft');
    await page.waitForTimeout(400);
    const left = await ram();
    await page.keyboard.up('ArrowLeft');
    await page.keyboard.down('ArrowRight');
    await page.waitForTimeout(700);
    const right = await ram();
    await page.keyboard.up('ArrowRight');
    expect(right).not.toEqual(left);
    // The pins of the joystick follow the keys, so the player's position must have moved: some byte grew by more than a few pixels.
    expect(right.some((byte, i) => byte - (left[i] as number) > 10)).toBe(true);

    await page.click('#sound');
    const before = (await page.evaluate('[globalThis.playedFrames(), performance.now()]')) as [number, number];
    await page.waitForTimeout(2000);
    const after = (await page.evaluate('[globalThis.playedFrames(), performance.now()]')) as [number, number];
    const rate = ((after[0] - before[0]) / (after[1] - before[1])) * 1000;
    expect(rate).toBeGreaterThan(50);
    expect(rate).toBeLessThan(66);
    expect(await page.textContent('#sound')).toBe('Sound: on');
    expect(errors).toEqual([]);
  });
});
