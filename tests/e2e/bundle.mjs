// Packages of npm, unmodified, for a page of a browser.

import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';

// A package and what it requires, as one script: window.packages[name].
export function bundle(names) {
  const modules = new Map();
  const add = (id, path) => {
    if (modules.has(path)) return path;
    const require = createRequire(path);
    const text = readFileSync(path, 'utf8');
    if (/^(import|export) /m.test(text)) return null; // a module that only Node's side of a package asks for
    modules.set(path, null);
    const wants = {};
    for (const [, name] of text.matchAll(/require\(["']([^"']+)["']\)/g))
      wants[name] = name !== 'events' && isBuiltin(name) ? null : add(name, require.resolve(name === 'events' ? 'events/' : name));
    modules.set(path, { text, wants });
    return path;
  };
  const require = createRequire(import.meta.url);
  const entries = Object.fromEntries(names.map((name) => [name, add(name, require.resolve(name))]));
  const bodies = [...modules].map(([path, { text, wants }]) => `${JSON.stringify(path)}: [function (module, exports, require) {${text}\n}, ${JSON.stringify(wants)}]`);
  return `(() => {
    const table = {${bodies.join(',\n')}}, done = {};
    const load = (path) => {
      if (path === null) return {}; // Node's own, which no browser asks for
      if (!done[path]) {
        const module = (done[path] = { exports: {} });
        table[path][0](module, module.exports, (name) => load(table[path][1][name]));
      }
      return done[path].exports;
    };
    window.packages = Object.fromEntries(Object.entries(${JSON.stringify(entries)}).map(([name, path]) => [name, load(path)]));
  })()`;
}
