// Colors of palette indices. Even indices are the TIA's 128 colors; odd ones occur with PAL color loss and look gray.
import { decodeBase64 } from './base64.ts';
import { PALETTE_TABLES } from './generated/palette.ts';

/** Looks of the 256 palette indices. */
export interface Palette {
  /** 256 x 3 bytes. */
  readonly rgb: Uint8Array;
  /** 256 bytes, ALE's luminance. */
  readonly gray: Uint8Array;
}

export const PALETTES: Readonly<Record<'NTSC' | 'PAL', Palette>> = {
  NTSC: { rgb: decodeBase64(PALETTE_TABLES.NTSC.rgb), gray: decodeBase64(PALETTE_TABLES.NTSC.gray) },
  PAL: { rgb: decodeBase64(PALETTE_TABLES.PAL.rgb), gray: decodeBase64(PALETTE_TABLES.PAL.gray) },
};
