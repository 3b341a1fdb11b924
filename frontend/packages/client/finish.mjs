// After tsc: what it does not write. The worker is named by its URL, in which nothing rewrites the ending, and the schema is
// part of the package.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { URL } from 'node:url';

const at = (path) => new URL(path, import.meta.url);
const file = at('dist/e2ee/encryption.js');
const text = readFileSync(file, 'utf8');
const named = text.replace("new URL('./worker.ts'", "new URL('./worker.js'");
if (named === text) throw new Error('dist/e2ee/encryption.js does not name its worker as it did');
writeFileSync(file, named);
copyFileSync(at('../../../docs/protocol.schema.json'), at('dist/protocol.schema.json'));
