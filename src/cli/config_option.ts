import { type Environment, variableOf } from "../commands/options/environment.ts";
import { commandTable } from "./commands.ts";

const configOption = "--config";

/**
 * Returns the configuration file that the command line or the environment names; undefined if there is none, or if the
 * user asks for help. Runs before the command line is parsed, since the values of the file are fallbacks of all
 * options.
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
