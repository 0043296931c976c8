import { ShoalContainer, type StartedShoalContainer } from '@shoal/testcontainers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Recommendations } from './recommendations.ts';

let shoal: StartedShoalContainer;
let recommendations: Recommendations;

beforeAll(async () => {
  shoal = await new ShoalContainer(process.env['SHOAL_IMAGE'] ?? 'shoal:0.1.0').start();
  recommendations = await Recommendations.open(shoal.client());
});

afterAll(async () => {
  await shoal?.stop();
});

it('recommends what is near, and no longer what was removed', async () => {
  await recommendations.add([
    { id: 'f1', title: 'The Long Chase', taste: [0.9, 0.1, 0.2, 0.0, 0.7] },
    { id: 'f2', title: 'Two Cups of Tea', taste: [0.0, 0.5, 0.4, 0.9, 0.1] },
    { id: 'f3', title: 'The Locked Room', taste: [0.3, 0.0, 0.5, 0.1, 0.9] },
  ]);
  const thriller = [0.2, 0, 0.4, 0, 0.9];
  expect(await recommendations.like(thriller, 2)).toEqual(['The Locked Room', 'The Long Chase']);
  await recommendations.remove('f3');
  expect(await recommendations.like(thriller, 2)).toEqual(['The Long Chase', 'Two Cups of Tea']);
});
