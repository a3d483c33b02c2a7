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

/** Returns all environment variables of this process; none if Deno does not allow chatd to list them. */
export function readVariables(): Record<string, string> {
  try {
    return Deno.env.toObject();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return {};
    throw error;
  }
}

export type OptionName = `--${string}`;

/** Returns the environment variable of an option: `CHATD_TLS_CERT` for `--tls-cert`. */
export function variableOf(name: OptionName): string {
  return `CHATD_${name.slice(2).toUpperCase().replaceAll("-", "_")}`;
}
