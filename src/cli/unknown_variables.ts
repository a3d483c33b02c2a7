import { findSimilar } from "@optique/core/suggestion";
import { commandVariables } from "../commands/options/command_variables.ts";
import { type Environment, listVariable, readVariables } from "../commands/options/environment.ts";
import { commands } from "./commands.ts";

/** Variables without an option. */
const otherVariables = [
  "CHATD_PASSWORD",
  "CHATD_NEW_PASSWORD",
  "CHATD_GRPC_JS",
  "CHATD_INSTALL_URL",
  listVariable,
  ...commandVariables,
];

/** Variables that Kubernetes and Docker set for a service named "chatd", and variables of chatd's own tests. */
const foreign =
  /^CHATD_(CRASH_|(.+_)?SERVICE_(HOST|PORT)|(.+_)?PORT_\d+_(TCP|UDP|SCTP))|^CHATD_(.+_)?PORT=(tcp|udp|sctp):/;

/**
 * Returns a sentence for each variable of the environment whose name begins with `CHATD_` but which no command reads.
 * Empty variables count as not set.
 * @param args the command line: its command is tried first, because making the options of all commands takes time
 */
export function unknownVariables(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = readVariables(),
): readonly string[] {
  const set = Object.entries(variables)
    .filter(([name, value]) => name.startsWith("CHATD_") && value !== "" && !foreign.test(`${name}=${value}`))
    .map(([name]) => name);
  if (set.length === 0) return [];
  const env: Environment = () => undefined;
  const known = new Set(otherVariables);
  commands(env, { only: args[0], variables: known });
  if (set.every((name) => known.has(name))) return [];
  commands(env, { variables: known });
  const internal: readonly string[] = [listVariable, ...commandVariables];
  // Without the prefix, which all names share: it would make any two short names similar.
  const suggested = [...known].filter((name) => !internal.includes(name)).map(withoutPrefix);
  return set.filter((name) => !known.has(name)).toSorted().map((name) => {
    const similar = findSimilar(withoutPrefix(name), suggested, {
      maxDistance: 3,
      maxDistanceRatio: 0.5,
      maxSuggestions: 1,
    });
    const meant = similar.length === 0 ? "" : ` Did you mean CHATD_${similar[0]}?`;
    return `The environment variable ${name} has no effect: chatd knows no such variable.${meant}`;
  });
}

function withoutPrefix(name: string): string {
  return name.replace(/^CHATD_/, "");
}
