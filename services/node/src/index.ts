export { startNode, type EmbeddedNode } from './node.ts';
export { parseNodeEnvironment, type NodeConfig } from './config.ts';
