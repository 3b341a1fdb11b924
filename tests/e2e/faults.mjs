// Has the server's system calls fail (tests/hostile/faults.c, built beside the server).
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { tmpdir } from 'node:os';

const LIBRARY = `${dirname(process.env.ROTUNDA_BIN ?? 'build/rotunda')}/tests/libfaults.so`;
const NAMES = ['stallMedia0', 'stallData', 'stallIce', 'recvmmsg', 'sendmmsg', 'accept', 'wallOffsetS', 'awayS', 'lookupSeconds', 'hits'];

// The environment for the server, and `set({name: value})`; errors as their numbers (os.constants.errno).
// authorities: a file of certificates that the server trusts in place of the system's.
export function faultsFor(t, { authorities } = {}) {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-faults-`);
  const file = openSync(`${folder}/faults`, 'w+');
  writeSync(file, Buffer.alloc(4096), 0, 4096, 0);
  t.after(() => {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  });
  const asan = `${process.env.ASAN_OPTIONS ?? ''}:verify_asan_link_order=0`;
  return {
    env: { LD_PRELOAD: LIBRARY, FAULTS_FILE: `${folder}/faults`, ASAN_OPTIONS: asan, ...(authorities && { FAULTS_AUTHORITIES: authorities }) },
    set(values) {
      for (const [name, value] of Object.entries(values)) {
        const bytes = Buffer.alloc(4);
        bytes.writeInt32LE(value);
        writeSync(file, bytes, 0, 4, NAMES.indexOf(name) * 4);
      }
    },
    hits() {
      const bytes = Buffer.alloc(4);
      readSync(file, bytes, 0, 4, NAMES.indexOf('hits') * 4);
      return bytes.readInt32LE();
    },
  };
}
