// For lock.test.ts: one of several processes that take a folder again and again, and often "die" holding it: the lock then names a process that is gone.
// Prints how often it held the folder, and everything that must not happen.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { lockFolder } from '../lock.ts';

const [folder, deadPid, durationMs] = process.argv.slice(2);
const inside = join(folder, 'inside');
const mine = String(process.pid);
let held = 0;
const faults = [];
const end = performance.now() + Number(durationMs);
while (performance.now() < end) {
  let unlock;
  try {
    unlock = lockFolder(folder);
  } catch (error) {
    if (error.code !== 'ALREADY_IN_USE') faults.push(error.message);
    continue;
  }
  held++;
  try {
    writeFileSync(inside, mine, { flag: 'wx' });
    const leaveAt = performance.now() + Math.random();
    while (performance.now() < leaveAt);
    if (readFileSync(inside, 'utf8') !== mine) faults.push('another process came in');
    rmSync(inside);
  } catch (error) {
    faults.push(`two are inside: ${error.message}`);
  }
  if (Math.random() < 0.3) unlock();
  else {
    const dead = JSON.stringify({ pid: Number(deadPid), host: hostname(), processStart: '1', lock: `${mine}-${held}` });
    writeFileSync(join(folder, `dead-${mine}`), dead);
    renameSync(join(folder, `dead-${mine}`), join(folder, 'folder.lock'));
  }
}
console.log(JSON.stringify({ held, faults }));
