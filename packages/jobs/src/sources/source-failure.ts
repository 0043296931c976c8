import { ShoalError } from '@shoal/protocol';

/** The contents cannot be imported, however often it is tried. */
export function invalidSource(name: string, fault: string, cause?: unknown): ShoalError {
  return new ShoalError('source_invalid', `${name}: ${fault}`, { field: 'sources', cause });
}

/** The source may not be read by this process. */
export function refusedSource(name: string, fault: string): ShoalError {
  return new ShoalError('source_refused', `${name}: ${fault}`, { field: 'sources' });
}

/** The source does not answer now. */
export function unavailableSource(name: string, fault: string, cause?: unknown): ShoalError {
  return new ShoalError('source_unavailable', `${name}: ${fault}`, { field: 'sources', cause });
}
