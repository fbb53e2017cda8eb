// Finding and fetching ROMs, and vector environments on worker threads; Node only.
export { fetchRoms } from './roms/fetch-roms.ts';
export {
  type FoundRom,
  findRoms,
  type KnownRom,
  loadRom,
  type RomSearch,
  romCacheFolder,
  type SearchedPlace,
} from './roms/rom-library.ts';
export { type MakeAtariPoolOptions, makeAtariPool } from './vector-pool.ts';
