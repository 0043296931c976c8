export * from './chart.ts';
export * from './report-blocks.ts';
export * from './report-page.ts';
export { chartSvg } from './svg-chart.ts';
