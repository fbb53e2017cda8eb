// Episodes as moving pictures.
export { DEFAULT_FILM_AGENT_STEPS, MAX_FILM_AGENT_STEPS } from './film-limits.ts';
export { encodeGif } from './gif.ts';
export { hasFfmpeg, writeMp4 } from './mp4.ts';
export { type RecordedEpisode, recordEpisode } from './record-episode.ts';
export type { RgbImage } from './rgb-image.ts';
