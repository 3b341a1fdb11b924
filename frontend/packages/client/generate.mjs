// Makes src/wire.ts of the protocol's schema, which the server's own tables make (docs/protocol.schema.json).
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';

const SCHEMA = fileURLToPath(new URL('../../../docs/protocol.schema.json', import.meta.url));
const WIRE = fileURLToPath(new URL('src/wire.ts', import.meta.url));

const union = (values) => values.map((value) => (value === null ? 'null' : `'${value}'`)).join(' | ');
const NAMES = { integer: 'number', array: 'unknown[]' };

function typeOf({ type, enum: choices, items, anyOf, properties, required }) {
  if (choices) return union(choices);
  if (anyOf) return anyOf.map(typeOf).join(' | ');
  if (properties) return dataOf({ properties, required });
  if (type === 'array' && items)
    return `${/[ |]/.test(typeOf(items)) && !typeOf(items).startsWith('{') ? `(${typeOf(items)})` : typeOf(items)}[]`;
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
  const namesIn = ({ oneOf }) => oneOf.map(({ $ref }) => $ref.replace(/^.*\//, ''));
  const requests = namesIn(definitions.request);
  const said = namesIn(definitions.said);
  const dataIn = (name) => definitions[name].properties.data;
  return `// Made of docs/protocol.schema.json by \`npm run generate\`: do not edit.

// What the server takes as the data of each request. null counts as absent.
export interface WireRequests {
${requests.map((name) => `  '${name}': ${dataOf(dataIn(name))};`).join('\n')}
}

// What the server says: answers, and what nobody asked for. There may come to be more fields than these.
export interface WireSaid {
${said.map((name) => `  '${name.slice('said:'.length)}': ${dataOf(dataIn(name))};`).join('\n')}
}

// Why it refuses.
export type WireErrorCode =
${dataIn('said:error')
  .properties.code.enum.map((code) => `  | '${code}'`)
  .join('\n')};
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(WIRE, generate());
