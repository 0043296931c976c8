/** What a thread of an import runs; loaded by `ThreadTasks`, which gives all threads one directory for temporary files. */
import { tmpdir } from 'node:os';
import { sharedSpool } from '../sources/shared-spool.ts';
import { runImportTask, type ImportTask, type TaskResult } from './import-task.ts';

const spool = sharedSpool(tmpdir());

/** A thread that must stop is ended from outside, so nothing here listens for that. */
export default (task: ImportTask): Promise<TaskResult> => runImportTask(task, new AbortController().signal, spool);
