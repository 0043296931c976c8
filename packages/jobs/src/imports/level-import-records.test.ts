import { MemoryLevel } from 'memory-level';
import { describeImportRecords } from '../testing/import-records-conformance.ts';
import { LevelImportRecords } from './level-import-records.ts';

describeImportRecords(async () => new LevelImportRecords(new MemoryLevel<string, string>()));
