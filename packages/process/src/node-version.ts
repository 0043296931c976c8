/** The version of Node that services and the command need: relaxed SIMD in WebAssembly, and a current standard library. */
const NODE_MAJOR_MINIMUM = 24;

/** What is wrong with a version such as `20.19.2`; undefined when it will do. */
export function nodeVersionFault(version: string): string | undefined {
  const major = Number(version.split('.')[0]);
  if (major >= NODE_MAJOR_MINIMUM) return undefined;
  return `Shoal needs Node ${NODE_MAJOR_MINIMUM} or newer, and this is ${version}; \`npm run shoal -- COMMAND\` brings its own.`;
}
