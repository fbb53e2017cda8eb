// SVG to PNG with resvg compiled to WebAssembly, and the DejaVu font from its npm package, so that the picture is the same on every machine, also on
// one without fonts.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

let ready: Promise<Uint8Array> | undefined;

async function load(): Promise<Uint8Array> {
  const require = createRequire(import.meta.url);
  await initWasm(readFileSync(require.resolve('@resvg/resvg-wasm/index_bg.wasm')));
  return readFileSync(require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'));
}

/** Renders an SVG at `scale` times its size. */
export async function svgToPng(svg: string, scale = 2): Promise<Uint8Array> {
  ready ??= load();
  const font = await ready;
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
}
