/** The options that say which gateway to call and with which key. */
import type { Command } from 'commander';
import type { ConnectionOptions } from './connection.ts';
import { CLI_LIMITS } from './limits.ts';

const URL_TEXT = `address of the gateway (default: SHOAL_URL, else ${CLI_LIMITS.defaultUrl})`;
const KEY_TEXT = 'API key (default: SHOAL_API_KEY, else the root key in .shoal)';

interface KeyOptions {
  readonly url?: string;
  readonly apiKey?: string;
  readonly key?: string;
}

/** `--key` is short for `--api-key` everywhere but in `search`, where it names a stored vector. */
export function addConnectionOptions(command: Command, withKey: boolean): Command {
  command.option('--url <url>', URL_TEXT).option('--api-key <key>', KEY_TEXT);
  command.option('--verbose', 'print the stack of an error', false);
  return withKey ? command.option('--key <key>', 'the same as --api-key') : command;
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

export function connectionOf(command: Command): ConnectionOptions {
  const program: KeyOptions = rootOf(command).opts();
  const own: KeyOptions = command.opts();
  const ownKey = command.name() === 'search' ? own.apiKey : (own.apiKey ?? own.key);
  return { url: own.url ?? program.url, apiKey: ownKey ?? program.apiKey ?? program.key };
}
