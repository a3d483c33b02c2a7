/** Returns an environment variable; undefined if it is not set. */
export type Environment = (variable: string) => string | undefined;

/** The environment of this process. A variable that Deno does not allow chatd to read counts as not set. */
export const processEnvironment: Environment = (variable) => {
  try {
    return Deno.env.get(variable);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
};

/**
 * The variable in which a launcher lists the names of all variables that begin with `CHATD_`, separated by commas, for a
 * process that Deno allows to read these but not to list them.
 */
export const listVariable = "CHATD_VARIABLES";

/** Returns the environment variables of this process: all, or those of {@link listVariable}. */
export function readVariables(): Record<string, string> {
  try {
    return Deno.env.toObject();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    const names = processEnvironment(listVariable)?.split(",").filter((name) => name.startsWith("CHATD_")) ?? [];
    return Object.fromEntries(names.map((name) => [name, processEnvironment(name) ?? ""]));
  }
}

export type OptionName = `--${string}`;

/** Returns the environment variable of an option: `CHATD_TLS_CERT` for `--tls-cert`. */
export function variableOf(name: OptionName): string {
  return `CHATD_${name.slice(2).toUpperCase().replaceAll("-", "_")}`;
}
