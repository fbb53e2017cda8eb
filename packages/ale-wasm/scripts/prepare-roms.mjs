// Fetches the ROMs that tests use into the cache, once. Exits with 1 when there is no way to them.
import { existsSync, readdirSync } from 'node:fs';
import { fetchAlePyRoms, romCacheFolder } from './roms.mjs';

const folder = romCacheFolder();
try {
  if (!existsSync(folder) || !readdirSync(folder).some((name) => name.endsWith('.bin'))) fetchAlePyRoms(folder);
  console.log(`ROMs are in ${folder}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
