// The example page in a real browser (Debian's Chromium, or MOE_RL_CHROMIUM) on its SwiftShader adapter: the same kernels train there.
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
const folder = fileURLToPath(new URL('../examples/', import.meta.url));

describe.skipIf(!CHROMIUM)('the example page in Chromium', () => {
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [`${folder}main.mjs`],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      conditions: process.env['MOE_RL_TEST_TARGET'] === 'dist' ? [] : ['@moe-rl/source'],
      logLevel: 'silent',
    });
    const [bundle] = outputFiles;
    server = createServer((request, response) => {
      const isPage = request.url === '/';
      response.writeHead(200, { 'content-type': isPage ? 'text/html' : 'text/javascript' });
      response.end(isPage ? readFileSync(`${folder}index.html`) : bundle!.contents);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({
      executablePath: CHROMIUM as string,
      args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'],
    });
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it('trains by the kernels that Node runs', async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { timeout: 200_000 });
    await page.waitForFunction('document.title === "done" || document.title === "failed"', undefined, {
      timeout: 280_000,
    });
    const { title, log, result } = (await page.evaluate(
      '({ title: document.title, log: document.getElementById("log").textContent, result: globalThis.result })',
    )) as { title: string; log: string; result: { first: number; last: number } };
    expect(title, log).toBe('done');
    expect(log).toMatch(/on google swiftshader: update 400/);
    expect(result.last).toBeLessThan(result.first / 2);
  }, 300_000);
});
