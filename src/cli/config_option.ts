import { type Environment, variableOf } from "../commands/options/environment.ts";
import { commandTable } from "./commands.ts";

const configOption = "--config";

/**
 * The configuration file that a command line or the environment names, before the command line is parsed: its values stand
 * behind all options. Undefined where there is none, or where help is asked for.
 */
export function configFileOf(args: readonly string[], env: Environment): string | undefined {
  const [command, ...rest] = args;
  if (!commandTable.some(({ word, readsConfig }) => readsConfig && word === command)) return undefined;
  if (rest.includes("--help") || rest.includes("-h")) return undefined;
  const index = rest.findIndex((word) => word === configOption || word.startsWith(`${configOption}=`));
  if (index === -1) return env(variableOf(configOption)) || undefined;
  const word = rest[index];
  return (word === configOption ? rest.at(index + 1) : word.slice(configOption.length + 1)) || undefined;
}
