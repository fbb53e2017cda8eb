// Plugins that can't be used are named before anything is computed with them.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { PjrtClient } from '../client/client.ts';
import { PluginError } from '../errors.ts';
import { loadPjrt } from '../load.ts';
import { missing, temporaryFolder } from '../testing/plugin.ts';
import { installPlugin } from './install.ts';
import { refuseKnownFaults } from './known-faults.ts';
import { driverVersionIn, libraryOf, nvidiaDriverVersion, pluginOfUser } from './locate.ts';
import { requirePlatform } from './platform.ts';
import { findRelease, pluginNames } from './versions.ts';

describe('files that are no plugin', () => {
  test.runIf(process.platform === 'linux')('a text, a file cut short, a library of another processor', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'plugin.so');
    writeFileSync(path, 'no library at all, but long enough');
    expect(() => PjrtClient.open(path)).toThrow(/no shared library of Linux/);
    writeFileSync(path, Uint8Array.of(0x7f, 0x45, 0x4c, 0x46));
    expect(() => PjrtClient.open(path)).toThrow(PluginError);
    const header = new Uint8Array(64);
    header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
    header[18] = process.arch === 'x64' ? 183 : 62;
    writeFileSync(path, header);
    expect(() => PjrtClient.open(path)).toThrow(/is built for (arm64|x64); this process runs on/);
  });

  test.runIf(process.platform === 'linux')('a program without the interface', () => {
    const path = join(temporaryFolder(), 'plugin.so');
    copyFileSync(process.execPath, path);
    expect(() => PjrtClient.open(path)).toThrow(/can't be loaded as a PJRT plugin/);
  });

  test.runIf(process.platform === 'linux')('a plugin that was cut short, by its own headers', () => {
    const path = join(temporaryFolder(), 'plugin.so');
    // Loading it would end this process by a signal. Every ELF program tells how long it is.
    const whole = readFileSync(process.execPath);
    writeFileSync(path, whole.subarray(0, whole.length >> 1));
    expect(() => PjrtClient.open(path)).toThrow(PluginError);
    expect(() => PjrtClient.open(path)).toThrow(
      /plugin.so is cut short: it has \d+ bytes, and its header tells of \d+/,
    );
  });

  test.skipIf(missing !== undefined)(
    'a bare file name is one in the working folder, not in those of the system',
    async () => {
      const plugin = await installPlugin(findRelease('cpu')!);
      const before = process.cwd();
      process.chdir(dirname(plugin));
      try {
        expect(pluginOfUser({ MOE_RL_PJRT_PLUGIN: basename(plugin) })).toBe(plugin);
        const loading = loadPjrt({ device: 'cuda', plugin: basename(plugin) });
        await expect(loading).rejects.toThrow(`cuda: ${plugin} is no plugin for GPUs`);
      } finally {
        process.chdir(before);
      }
    },
    600_000,
  );

  test('a missing file', async () => {
    await expect(loadPjrt({ plugin: '/nowhere/plugin.so' })).rejects.toThrow(PluginError);
    expect(() => PjrtClient.open('/nowhere/plugin.so')).toThrow(/can't be read/);
    expect(() => pluginOfUser({ MOE_RL_PJRT_PLUGIN: '/nowhere/plugin.so' })).toThrow(/there is no such file/);
  });
});

test('a plugin that is known to be wrong is refused by its content, not by its name', () => {
  const path = join(temporaryFolder(), 'any.so');
  writeFileSync(path, 'wrong');
  const headSha256 = '8810ad581e59f2bc3928b261707a71308f7e139eb04820366dc4d5c18d980225';
  const known = [{ name: 'wrong 1.0', bytes: 5, headSha256, fault: 'two and two are five' }];
  expect(() => refuseKnownFaults(path, known)).toThrow(
    /wrong 1.0, which is known to be wrong \(two and two are five\)/,
  );
  writeFileSync(path, 'right');
  expect(() => refuseKnownFaults(path, known)).not.toThrow();
});

test('every release is pinned by the file name and the sum of each of its wheels', () => {
  for (const name of pluginNames) {
    const release = findRelease(name, 'linux', 'x64')!;
    expect(release.wheels.length).toBeGreaterThan(0);
    for (const wheel of release.wheels) {
      expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(wheel.fileName).toContain(`-${wheel.version}-`);
    }
    expect(libraryOf(release)).toContain(release.version);
  }
  expect(findRelease('cpu', 'win32', 'x64')).toBeUndefined();
});

test.each([
  [
    'the closed module',
    'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023',
    535,
  ],
  [
    'the open module',
    'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  565.57.01  Release Build  (dvs-builder@U16-I3-C14)\nGCC version:  gcc version 12.3.0',
    565,
  ],
  ['nvidia-smi', '| NVIDIA-SMI 580.65.06              Driver Version: 580.65.06      CUDA Version: 13.0 |', 580],
  ['a system without', 'nvidia-smi: command not found', undefined],
])('the driver’s version is read from %s', (_, text, version) => {
  expect(driverVersionIn(text)).toBe(version);
});

test.runIf(process.platform === 'linux' && !existsSync('/proc/driver/nvidia/version'))(
  'the driver’s version is asked for by itself where nvidia-smi’s table has another heading',
  () => {
    const folder = temporaryFolder();
    const table = 'echo "| NVIDIA-SMI 595.10   KMD Version: 595.10   CUDA UMD Version: 13.2 |"';
    const program = `#!/bin/sh\ncase "$1" in --query-gpu=driver_version) echo 595.10;; *) ${table};; esac\n`;
    writeFileSync(join(folder, 'nvidia-smi'), program, { mode: 0o755 });
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    try {
      expect(nvidiaDriverVersion()).toBe(595);
    } finally {
      vi.unstubAllEnvs();
    }
  },
);

describe('a plugin for another device than was asked for', () => {
  test('is refused by what it says of itself, unless nobody knows that name', () => {
    for (const [device, platform] of [
      ['cuda', 'cpu'],
      ['cpu', 'cuda'],
      ['rocm', 'cuda'],
    ] as const) {
      expect(() => requirePlatform(device, platform, '/own.so')).toThrow(
        `device is ${device}, but the plugin /own.so computes on ${platform}`,
      );
    }
    for (const platform of ['cpu', 'METAL']) expect(() => requirePlatform('cpu', platform, '/own.so')).not.toThrow();
  });

  test.skipIf(missing !== undefined)(
    'is named where it knows nothing of a GPU’s options',
    async () => {
      const plugin = await installPlugin(findRelease('cpu')!);
      const loading = loadPjrt({ device: 'cuda', plugin });
      await expect(loading).rejects.toThrow(PluginError);
      await expect(loading).rejects.toThrow(/^cuda: .* is no plugin for GPUs \(PJRT_Client_Create: INVALID_ARGUMENT/);
    },
    600_000,
  );
});

test.runIf(process.platform === 'linux')('a fetch is rid of what a killed process had half fetched', async () => {
  const folder = temporaryFolder();
  const python = join(folder, 'python');
  writeFileSync(python, '#!/bin/sh\nfor last; do :; done\n[ "$last" = --version ]\n', { mode: 0o755 });
  vi.stubEnv('PYTHON', python);
  vi.stubEnv('MOE_RL_CACHE', folder);
  try {
    const downloads = join(folder, 'pjrt', 'downloads');
    mkdirSync(join(downloads, 'some.whl.partial-1'), { recursive: true });
    const installing = installPlugin({ ...findRelease('cpu', 'linux', 'x64')!, downloadBytes: 0, diskBytes: 0 });
    await expect(installing).rejects.toThrow(/could not be downloaded/);
    expect(readdirSync(downloads)).toEqual([]);
    vi.stubEnv('MOE_RL_PJRT_PLUGIN', '');
    // Neither with a network nor without is that the end: what is here can be named.
    for (const install of [true, false]) {
      const loading = loadPjrt({ device: 'cpu', install });
      await expect(loading).rejects.toThrow(/already, JAX's own for instance, can be named by MOE_RL_PJRT_PLUGIN$/);
    }
  } finally {
    vi.unstubAllEnvs();
  }
});
