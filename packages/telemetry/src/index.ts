export * from './histograms/index.ts';
