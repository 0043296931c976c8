/**
 * Options of Node itself for every service. By itself Node lets the part of the heap that is for new objects grow to several times this many MiB, and a process that is
 * busy for minutes fills it: with garbage, which is memory that seems to grow and is no use.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=8'];
