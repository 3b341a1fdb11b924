// src/protocol.ts and docs/protocol.md are one contract: the same requests, the same notifications, and every
// example on the page fits its type, field by field. The server is held to the page by protocol_page_test.c.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { generate } from '../generate.mjs';

const PAGE = fileURLToPath(new URL('../../../../docs/protocol.md', import.meta.url));
const TYPES = fileURLToPath(new URL('../src/protocol.ts', import.meta.url));
const SCHEMA = fileURLToPath(new URL('../../../../docs/protocol.schema.json', import.meta.url));
const SCHEMA_NOW = JSON.parse(readFileSync(SCHEMA, 'utf8')) as { definitions: Record<string, never> };
const WIRE = fileURLToPath(new URL('../src/wire.ts', import.meta.url));
const PROBE = fileURLToPath(new URL('../src/protocol-probe.ts', import.meta.url)); // in memory alone

// Answers have a type of their own on the wire; the client knows them by their request.
const ANSWERS = [
  'consumed',
  'consumer-closed',
  'consumer-paused',
  'consumer-resumed',
  'error',
  'ice-restarted',
  'joined',
  'key-frame-requested',
  'left',
  'pong',
  'max-bitrate-set',
  'preferred-layers-set',
  'priority-set',
  'produced',
  'producer-closed',
  'producer-paused',
  'producer-resumed',
  'relayed',
  'stats',
  'transport-closed',
  'transport-connected',
  'token-updated',
  'user-kicked',
  'unmute-allowed',
  'user-muted',
  'all-muted',
  'recording-starting',
  'recording-stopping',
  'lobby-set',
  'user-admitted',
  'user-denied',
  'all-admitted',
  'user-banned',
  'user-unbanned',
  'bans',
  'webRtcTransportCreated',
];

interface Example {
  type: string;
  data: string; // as JSON
  answers: boolean; // it carries an id
}

// The JSON values of a block, one behind the other with or without commas.
function valuesOf(block: string): unknown[] {
  const values = [];
  for (let depth = 0, quoted = false, begin = 0, at = 0; at < block.length; at++) {
    const c = block[at];
    if (quoted && c === '\\') at++;
    else if (c === '"') quoted = !quoted;
    else if (!quoted && c === '{' && depth++ === 0) begin = at;
    else if (!quoted && c === '}' && --depth === 0) values.push(JSON.parse(block.slice(begin, at + 1)));
  }
  return values;
}

function examplesFrom(side: 'client' | 'server'): Example[] {
  const blocks = readFileSync(PAGE, 'utf8').matchAll(new RegExp(`^\`\`\`json ${side}\\n([^]*?)^\`\`\``, 'gm'));
  return [...blocks].flatMap(([, block]) =>
    (valuesOf(block!) as { type: string; data?: object; id?: unknown }[]).map(({ type, data, id }) => ({
      type,
      data: JSON.stringify(data ?? {}),
      answers: id !== undefined,
    })),
  );
}

function compile(probe: string) {
  const host = ts.createCompilerHost({});
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, language) =>
    name === PROBE ? ts.createSourceFile(name, probe, language, true) : read(name, language);
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    types: [],
    allowImportingTsExtensions: true,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  };
  return ts.createProgram([PROBE, TYPES], options, host);
}

const requests = examplesFrom('client');
const events = examplesFrom('server').filter(({ type, answers }) => !answers && !ANSWERS.includes(type));
const program = compile(
  [
    "import type { Notifications, Requests } from './protocol.ts';",
    ...requests.map(({ type, data }, i) => `export const request${i}: Requests['${type}']['data'] = ${data};`),
    ...events.map(({ type, data }, i) => `export const event${i}: Notifications['${type}'] = ${data};`),
  ].join('\n'),
);

function keysOf(name: 'Requests' | 'Notifications'): string[] {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(TYPES)!)!;
  const symbol = checker.getExportsOfModule(module).find((one) => one.name === name)!;
  return checker
    .getDeclaredTypeOfSymbol(symbol)
    .getProperties()
    .map((property) => property.name)
    .sort();
}

const namesOf = (examples: Example[]) => [...new Set(examples.map(({ type }) => type))].sort();

describe('protocol.ts and docs/protocol.md', () => {
  it('have the same requests', () => {
    expect(keysOf('Requests')).toEqual(namesOf(requests));
  });

  it('have the same notifications', () => {
    // These are answers and notifications under one name; the page shows one example for both.
    const both = [
      'chat-message',
      'consumer-closed',
      'ice-restarted',
      'producer-closed',
      'producer-paused',
      'producer-resumed',
    ];
    expect(keysOf('Notifications').filter((name) => !both.includes(name))).toEqual(
      namesOf(events).filter((name) => !both.includes(name)),
    );
  });

  it('agree on every field of every example', () => {
    const wrong = program.getSemanticDiagnostics(program.getSourceFile(PROBE)).map(({ file, start, messageText }) => {
      const line = file!.text.slice(0, start).split('\n').length;
      const example = [...requests, ...events][line - 2];
      return `${example?.type} ${example?.data}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
    expect(wrong).toEqual([]);
  });

  it('fit the schema that the server’s tables make, and what does not fit the server does not fit it', () => {
    // What may come later is open in the schema; an example shows nothing that it does not know.
    const closed = (schema: unknown): unknown => {
      if (Array.isArray(schema)) return schema.map(closed);
      if (typeof schema !== 'object' || schema === null) return schema;
      const all = Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, closed(part)]));
      return 'properties' in all && all.type === 'object' ? { ...all, additionalProperties: false } : all;
    };
    const validate = new Ajv({ strict: false, allErrors: true }).compile(closed(SCHEMA_NOW) as object);
    const blocks = [...readFileSync(PAGE, 'utf8').matchAll(/^```json (client|server)\n([^]*?)^```/gm)];
    const examples = blocks.flatMap(([, , block]) => valuesOf(block!)) as { type: string }[];
    const wrong = examples.filter((example) => !validate(example)).map((example) => JSON.stringify(example));
    expect(examples.length).toBeGreaterThan(80);
    expect(wrong).toEqual([]);
    for (const bad of [
      { type: 'set-priority', data: { consumerId: 'c', priority: 256 } },
      { type: 'set-priority', data: { consumerId: 'c' } },
      { type: 'create-transport', data: { direction: 'both' } },
      { type: 'no-such-request', data: {} },
      { type: 'score', data: { consumerId: 'c', score: 'good' } },
      { type: 'active-speaker', data: { userId: null } },
      { type: 'joined', data: { roomId: 'garden' } },
      { type: 'error', data: { code: 'no-such-code', message: '' } },
      { type: 'user-left', data: { user: 'ann', userId: 'a', reason: 'left', since: 3 } },
    ])
      expect([bad, validate(bad)]).toEqual([bad, false]);
  });

  it('types are made of that schema as it is now', () => {
    expect(readFileSync(WIRE, 'utf8')).toBe(generate());
  });
});
