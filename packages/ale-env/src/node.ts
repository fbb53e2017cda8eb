// Finding and fetching ROMs; Node only.
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
