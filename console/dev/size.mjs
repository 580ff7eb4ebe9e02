// Size of a first page: index.html and what it loads, as brotli. Fails beyond the budget.
import { readFileSync } from 'node:fs';
import { brotliCompressSync } from 'node:zlib';

const BUDGET = 120_000;
const dist = new URL('../dist/', import.meta.url);
const html = readFileSync(new URL('index.html', dist));
const files = [...html.toString().matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((match) => match[1]);
let total = 0;
for (const file of ['index.html', ...files]) {
  const size = brotliCompressSync(readFileSync(new URL(file, dist))).length;
  total += size;
  console.log(`${String(size).padStart(7)}  ${file}`);
}
console.log(`${String(total).padStart(7)}  of ${BUDGET} bytes`);
if (total > BUDGET) process.exit(1);
