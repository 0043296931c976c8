export { PROMETHEUS_MEDIA_TYPE, prometheusText } from './prometheus-text.ts';
