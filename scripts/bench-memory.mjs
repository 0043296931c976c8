// Bytes per vector by path and dimension, measured beside the least that has to be kept, as a table in Markdown. Options: --dims, --bits (0 without codes),
// --m, --count-log2.
import { parseArgs } from 'node:util';
import { engineBench } from './workspace.mjs';

const { values } = parseArgs({ options: {
  dims: { type: 'string', default: '128,768,1536' }, bits: { type: 'string', default: '0,8,4,2,1' }, m: { type: 'string', default: '16' },
  'count-log2': { type: 'string', default: '15' },
} });
const bench = await engineBench(import.meta.url);
const [dims, allBits] = [values.dims, values.bits].map((list) => list.split(',').map(Number));
const number = (value) => Math.round(value).toLocaleString('en');

console.log(`| | ${dims.map((dim) => `${dim} dimensions: least | measured | more |`).join(' ')}`);
console.log(`|---|${dims.map(() => '---|---|---|').join('')}`);
for (const [bits, codesOnly] of [...allBits.map((bits) => [bits, false]), ...allBits.filter((bits) => bits > 0).map((bits) => [bits, true])]) {
  const cells = dims.map((dim) => {
    const { theoreticalBytes, measuredBytes } = bench.memoryPerVector({ dim, bits: bits === 0 ? undefined : bits, m: Number(values.m), codesOnly, countLog2: Number(values['count-log2']) });
    return `${number(theoreticalBytes)} | ${number(measuredBytes)} | ${((measuredBytes / theoreticalBytes - 1) * 100).toFixed(1)} % |`;
  });
  console.log(`| ${bits === 0 ? 'no codes' : `${codesOnly ? 'only codes of ' : ''}${bits} bit${bits === 1 ? '' : 's'}`} | ${cells.join(' ')}`);
}
