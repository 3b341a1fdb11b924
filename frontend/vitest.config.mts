import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Tests of components (*.test.tsx) have a pretended browser around them.
export default defineConfig({
    resolve: {
        alias: [
            {
                find: /^@rotunda\/(\w+)$/,
                replacement: fileURLToPath(new URL('packages/$1/src/index.ts', import.meta.url)),
            },
            { find: /^@\//, replacement: fileURLToPath(new URL('.', import.meta.url)) },
        ],
    },
    css: { postcss: {} },
    esbuild: { jsx: 'automatic' },
    test: {
        testTimeout: 60_000, // no test is about time: a busy machine may take what it needs
        projects: [
            {
                extends: true,
                test: {
                    name: 'client',
                    include: ['{tests,packages/*/tests}/**/*.test.ts'],
                    environment: 'node',
                    setupFiles: ['tests/node.ts'],
                },
            },
            {
                extends: true,
                test: {
                    name: 'page',
                    include: ['{tests,packages/*/tests}/**/*.test.tsx'],
                    environment: 'jsdom',
                    setupFiles: ['tests/node.ts', 'tests/browser.ts'],
                },
            },
        ],
    },
});
