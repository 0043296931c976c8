// Runs in a pod of the trial: the first line of its input is a JSON object with key, embedding and dim. Searches through the Service of the
// gateways until its input ends, and prints how many searches there were and how the others failed.
import { createInterface } from 'node:readline';
import { ShoalClient } from '@shoal/client';

const stopping = new AbortController();
const input = createInterface({ input: process.stdin });
const [line] = await new Promise((resolve) => input.once('line', (text) => resolve([text])));
input.once('close', () => stopping.abort());
const { apiKey, embedding, dim } = JSON.parse(line);
const handle = new ShoalClient({ url: 'http://gateway:7700', apiKey, timeoutMs: 10_000 }).embedding(embedding);
const counts = { searches: 0, failed: [] };
while (!stopping.signal.aborted) {
  const vector = Array.from({ length: dim }, () => Math.random() * 2 - 1);
  try {
    const { hits } = await handle.search({ vector, k: 5 });
    if (hits.length < 5) counts.failed.push(`${hits.length} hits`);
  } catch (error) {
    counts.failed.push(String(error));
  }
  counts.searches += 1;
}
console.log(JSON.stringify(counts));
