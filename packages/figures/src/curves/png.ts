// SVG to PNG with resvg compiled to WebAssembly, and the DejaVu font from its npm package, so that the picture is the same on every machine, also on
// one without fonts.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { InvalidArgumentError, requireFinite } from '@moe-rl/core';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

let ready: Promise<Uint8Array> | undefined;

async function load(): Promise<Uint8Array> {
  const require = createRequire(import.meta.url);
  try {
    await initWasm(readFileSync(require.resolve('@resvg/resvg-wasm/index_bg.wasm')));
  } catch (error) {
    // The caller, or another copy of this package, has started it: there is one for all.
    if (!/already initialized/i.test((error as Error).message)) throw error;
  }
  return readFileSync(require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'));
}

/**
 * Renders an SVG at `scale` times its size.
 * @throws InvalidArgumentError for what is no SVG, or a scale that makes a picture of no pixels or of too many
 */
export async function svgToPng(svg: string, scale = 2): Promise<Uint8Array> {
  requireFinite('scale', scale, 0.001, 1000);
  ready ??= load();
  const font = await ready.catch((error) => {
    ready = undefined;
    throw error;
  });
  try {
    const renderer = new Resvg(svg, {
      fitTo: { mode: 'zoom', value: scale },
      font: {
        fontBuffers: [font],
        defaultFontFamily: 'DejaVu Sans',
        sansSerifFamily: 'DejaVu Sans',
        loadSystemFonts: false,
      },
    });
    const image = renderer.render();
    const png = image.asPng();
    image.free();
    renderer.free();
    return png;
  } catch (cause) {
    throw new InvalidArgumentError(`the SVG can't be drawn at scale ${scale}: ${(cause as Error).message}`, { cause });
  }
}
