// Makes src/wire.ts of the protocol's schema, which the server's own tables make (docs/protocol.schema.json).
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';

const SCHEMA = fileURLToPath(new URL('../../../docs/protocol.schema.json', import.meta.url));
const WIRE = fileURLToPath(new URL('src/wire.ts', import.meta.url));

const union = (values) => values.map((value) => (value === null ? 'null' : `'${value}'`)).join(' | ');
const NAMES = { integer: 'number', array: 'unknown[]' };

function typeOf({ type, enum: choices, items }) {
  if (choices) return union(choices);
  if (type === undefined) return 'unknown';
  return [type]
    .flat()
    .map((name) =>
      name === 'array' && items ? (items.enum ? `(${union(items.enum)})[]` : `${items.type}[]`) : (NAMES[name] ?? name),
    )
    .join(' | ');
}

function dataOf({ required = [], properties = {} }) {
  const fields = Object.entries(properties).map(
    ([name, field]) => `${name}${required.includes(name) ? '' : '?'}: ${typeOf(field)}`,
  );
  return fields.length === 0 ? 'object' : `{ ${fields.join('; ')} }`;
}

export function generate() {
  const { definitions } = JSON.parse(readFileSync(SCHEMA, 'utf8'));
  const requests = definitions.request.oneOf.map(({ $ref }) => $ref.replace(/^.*\//, ''));
  return `// Made of docs/protocol.schema.json by \`npm run generate\`: do not edit.

// What the server takes as the data of each request. null counts as absent.
export interface WireRequests {
${requests.map((name) => `  '${name}': ${dataOf(definitions[name].properties.data)};`).join('\n')}
}

// What the server says.
export type WireSaid =
${definitions.said.properties.type.enum.map((type) => `  | '${type}'`).join('\n')};

// Why it refuses.
export type WireErrorCode =
${definitions.error.properties.data.properties.code.enum.map((code) => `  | '${code}'`).join('\n')};
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(WIRE, generate());
