import { ShoalError } from '@shoal/protocol';

export const corrupt = (what: string, cause?: unknown): ShoalError => new ShoalError('backup_corrupt', what, { cause });
export const unavailable = (what: string, cause?: unknown): ShoalError => new ShoalError('backup_unavailable', what, { cause });
export const conflict = (what: string, field: string): ShoalError => new ShoalError('restore_conflict', what, { field });
