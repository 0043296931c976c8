import { WAITS } from '../write-request.ts';
import { oneOf } from './value-schemas.ts';

export const waitSchema = oneOf(WAITS, 'logged (the default): durable in the log. applied: also applied, with the outcome of each item.');
