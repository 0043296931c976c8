/**
 * Loaded into every child process before its own program (`--import`). The child has a channel to its parent, and when the
 * parent is gone, even by SIGKILL, the channel closes and the child ends as if it had been asked to. Workers of the child
 * load this too and do nothing.
 */
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.channel !== undefined && process.channel !== null) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // Waiting for the parent is no reason to live on.
  process.channel.unref();
}
