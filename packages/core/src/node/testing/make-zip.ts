// For tests: a zip archive in memory, with ways to make its directory lie.
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipLies {
  readonly bytes?: number;
  readonly crc32?: number;
  readonly compressedBytes?: number;
  readonly headerOffset?: number;
}

/** Deflated files by name; `lies` replace fields of every directory entry. Names that end in `!` are marked as programs (and lose the mark). */
export function makeZip(files: Readonly<Record<string, string>>, lies: ZipLies = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [key, text] of Object.entries(files)) {
    const name = key.replace(/!$/, '');
    const data = deflateRawSync(Buffer.from(text));
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(lies.crc32 ?? crc32(text), 16);
    entry.writeUInt32LE(lies.compressedBytes ?? data.length, 20);
    entry.writeUInt32LE(lies.bytes ?? text.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(((key.endsWith('!') ? 0o100755 : 0o100644) << 16) >>> 0, 38);
    entry.writeUInt32LE(lies.headerOffset ?? at, 42);
    parts.push(header, Buffer.from(name), data);
    directory.push(entry, Buffer.from(name));
    at += 30 + name.length + data.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, listing, end]);
}
