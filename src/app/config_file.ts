import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { ChatError } from "../core/chat_error.ts";
import { pathReason } from "../core/system_error.ts";

/** One value of a configuration file. */
export interface ConfigEntry {
  /** Such as "listen". */
  readonly name: string;
  /** The table, such as "grpc"; "" for the top level. */
  readonly section: string;
  /** From 1. */
  readonly line: number;
  /** Dates, floating point numbers, arrays and the like are "other". */
  readonly value: string | number | boolean | { readonly other: string };
}

/** A table, which may be empty. */
export interface ConfigSection {
  readonly name: string;
  /** From 1. */
  readonly line: number;
}

/** A parsed configuration file, before its settings are validated. */
export interface ConfigFile {
  /** As the operator wrote it. */
  readonly path: string;
  readonly entries: readonly ConfigEntry[];
  readonly sections: readonly ConfigSection[];
  /** Whether users other than its owner may read it. */
  readonly isReadByOthers: boolean;
}

/**
 * Reads a file in TOML 1.0 (https://toml.io/en/v1.0.0).
 * @throws {ChatError} `invalid_argument`, with the file and the line, if it cannot be read or is not TOML;
 * `permission_denied` if Deno denies access to it
 */
export function readConfigFile(path: string): ConfigFile {
  const { text, mode } = read(path);
  let program: AST.TOMLProgram;
  try {
    program = parseTOML(text.replace(/^\uFEFF/, ""), { tomlVersion: "1.0" });
  } catch (cause) {
    if (!(cause instanceof ParseError)) throw cause;
    const where = `${path}:${cause.lineNumber}:${cause.column + 1}`;
    throw new ChatError("invalid_argument", `${where}: this is not TOML: ${cause.message}.`, { cause });
  }
  const entries: ConfigEntry[] = [];
  const sections: ConfigSection[] = [];
  for (const node of program.body[0].body) {
    if (node.type === "TOMLKeyValue") {
      entries.push(...flatten(node, []));
    } else {
      const name = node.resolvedKey.join(".");
      sections.push({ name, line: node.loc.start.line });
      entries.push(...node.body.flatMap((child) => flatten(child, node.resolvedKey)));
    }
  }
  return { path, entries, sections, isReadByOthers: mode !== null && (mode & 0o077) !== 0 };
}

function read(path: string): { text: string; mode: number | null } {
  try {
    return { text: Deno.readTextFileSync(path), mode: Deno.statSync(path).mode };
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new ChatError(
        "permission_denied",
        `Deno does not let chatd read "${path}": add --allow-read=${path} to deno run.`,
        { cause },
      );
    }
    throw new ChatError("invalid_argument", `Cannot read the configuration file "${path}": ${pathReason(cause)}.`, {
      cause,
    });
  }
}

function flatten({ key, value, loc }: AST.TOMLKeyValue, table: readonly (string | number)[]): ConfigEntry[] {
  const words = [...table, ...key.keys.map((part) => part.type === "TOMLBare" ? part.name : part.value)];
  if (value.type === "TOMLInlineTable") return value.body.flatMap((child) => flatten(child, words));
  const section = words.slice(0, -1).join(".");
  return [{ name: String(words.at(-1)), section, line: loc.start.line, value: valueOf(value) }];
}

function valueOf(node: AST.TOMLValue | AST.TOMLArray): ConfigEntry["value"] {
  if (node.type === "TOMLArray") return { other: "a list" };
  switch (node.kind) {
    case "string":
    case "boolean":
    case "integer":
      return node.value;
    case "float":
      return { other: "a number with a fraction" };
    default:
      return { other: "a date or time" };
  }
}
