import { fromHome } from "../local_file.ts";

/** Names to complete to at most. */
const maxNames = 500;

/** A path as it is typed: in quotes, or with a backslash before its spaces. */
interface TypedPath {
  readonly quote: string;
  /** The path up to its last slash, without quotes and backslashes. */
  readonly folder: string;
  /** The start of a name in that folder. */
  readonly name: string;
}

/**
 * Completes a path as {@link takePath} reads it, to whole replacements. Hidden files are left out until their dot is
 * typed, and folders that this process may not read have no files.
 */
export function completePath(typed: string): string[] {
  if (typed === "~") return ["~/"];
  const path = parsePath(typed);
  if (path === undefined) return [];
  const found = entries(fromHome(path.folder === "" ? "." : path.folder))
    .filter(({ name }) => name.startsWith(path.name) && (path.name !== "" || !name.startsWith(".")))
    .filter(({ name }) => canBeTyped(name, path.quote))
    .sort((one, other) => one.name < other.name ? -1 : 1)
    .slice(0, maxNames);
  return found.map(({ name, isFolder }) => {
    const whole = path.folder + name;
    const end = isFolder ? "/" : `${path.quote} `;
    return (path.quote === "" ? escaped(whole) : path.quote + whole) + end;
  });
}

/** @returns undefined when the path has ended, and a text follows */
function parsePath(typed: string): TypedPath | undefined {
  const [, quote, quoted] = /^(["'])([^]*)$/.exec(typed) ?? [];
  if (quote === undefined) {
    return /^(?:\\[\s"']|[^\s])*$/.test(typed) ? split("", typed.replace(/\\([\s"'])/g, "$1")) : undefined;
  }
  return quoted.includes(quote) ? undefined : split(quote, quoted);
}

function split(quote: string, path: string): TypedPath {
  const end = path.lastIndexOf("/") + 1;
  return { quote, folder: path.slice(0, end), name: path.slice(end) };
}

function escaped(path: string): string {
  return path.replace(/[\s"']/g, "\\$&");
}

/** Whether a name fits on an input line, within its quotes. */
function canBeTyped(name: string, quote: string): boolean {
  return !/\p{Cc}|\p{Zl}|\p{Zp}/u.test(name) && (quote === "" || !name.includes(quote));
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** Queries the permission first, since Deno would otherwise prompt. */
function entries(folder: string): Entry[] {
  if (Deno.permissions.querySync({ name: "read", path: folder }).state !== "granted") return [];
  try {
    return [...Deno.readDirSync(folder)].map(({ name, isDirectory, isSymlink }) => ({
      name,
      isFolder: isDirectory || (isSymlink && isFolder(`${folder}/${name}`)),
    }));
  } catch {
    // It is no folder, or the system does not permit to read it.
    return [];
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
