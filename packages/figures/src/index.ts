// Public entry of @moe-rl/figures: curves/ (SVG, PNG) and film/ (GIF, MP4).
export * from './curves/index.ts';
export * from './film/index.ts';
