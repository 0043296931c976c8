/** What a thread of an import runs; loaded by `ThreadTasks`. */
import { runImportTask, type ImportTask, type TaskResult } from './import-task.ts';

/** A thread that must stop is ended from outside, so nothing here listens for that. */
export default (task: ImportTask): Promise<TaskResult> => runImportTask(task, new AbortController().signal);
