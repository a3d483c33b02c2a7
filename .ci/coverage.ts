/**
 * Measures how much of `src` the tests run, and prints a table by folder:
 *
 *     deno task coverage              # the groups that run in the process of their tests
 *     deno task coverage core store   # these groups
 *     deno task coverage core --lines # with the lines of each file that no test runs
 *
 * Processes that tests start are measured too, unless they are killed. Generated code is left out.
 */
import { ProcessGroups } from "./process_groups.ts";

const root = new URL("..", import.meta.url);
/** Groups whose tests call the code instead of starting it. */
const standardGroups = [
  "app",
  "cli",
  "client",
  "commands",
  "core",
  "grpc",
  "host",
  "session",
  "store",
  "terminal",
  "wire",
];

/** Lines of one file that can run, and those of them that did. */
interface FileCoverage {
  /** The path from the root: "src/core/chat.ts". */
  readonly file: string;
  readonly lines: number;
  readonly covered: number;
  readonly missed: readonly number[];
}

/** Reads a report in the format of lcov (geninfo(1)). */
export function parseLcov(report: string): FileCoverage[] {
  return report.split("end_of_record").flatMap((record) => {
    const file = /^SF:.*?\b(src\/.+)$/m.exec(record)?.[1];
    if (file === undefined) return [];
    const lines = [...record.matchAll(/^DA:(\d+),(\d+)/gm)].map(([, line, count]) => [Number(line), Number(count)]);
    const missed = lines.filter(([, count]) => count === 0).map(([line]) => line);
    return [{ file, lines: lines.length, covered: lines.length - missed.length, missed }];
  });
}

/** Returns the table: a row for each folder, the folder's share of covered lines, and its files below 90 %. */
export function describeCoverage(files: readonly FileCoverage[], { withLines = false } = {}): string[] {
  const folders = Map.groupBy(files, ({ file }) => file.slice(0, file.lastIndexOf("/")));
  return [...folders].toSorted(([one], [other]) => one.localeCompare(other)).flatMap(([folder, within]) => {
    const low = within.filter((each) => shareOf([each]) < 0.9).toSorted((one, other) =>
      shareOf([one]) - shareOf([other])
    );
    return [`${percent(within)}  ${folder}`, ...low.flatMap((each) => describeFile(each, withLines))];
  });
}

function describeFile(each: FileCoverage, withLines: boolean): string[] {
  const row = `         ${percent([each])}  ${each.file.slice(each.file.lastIndexOf("/") + 1)}`;
  return withLines ? [row, `                 ${ranges(each.missed)}`] : [row];
}

function shareOf(files: readonly FileCoverage[]): number {
  const sum = (count: (file: FileCoverage) => number) => files.reduce((total, file) => total + count(file), 0);
  return sum(({ covered }) => covered) / Math.max(1, sum(({ lines }) => lines));
}

function percent(files: readonly FileCoverage[]): string {
  return `${(100 * shareOf(files)).toFixed(1).padStart(5)} %`;
}

/** "3-5, 9" */
function ranges(lines: readonly number[]): string {
  const found: [number, number][] = [];
  for (const line of lines) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === line - 1) last[1] = line;
    else found.push([line, line]);
  }
  return found.map(([from, to]) => from === to ? `${from}` : `${from}-${to}`).join(", ");
}

async function measure(args: readonly string[]): Promise<boolean> {
  await using processes = new ProcessGroups();
  const deno = async (args: string[], env: Record<string, string> = {}): Promise<Deno.CommandOutput> => {
    const options: Deno.CommandOptions = { args, cwd: root, env, stdin: "null", stdout: "piped", stderr: "piped" };
    return await (await processes.spawn(Deno.execPath(), options)).output();
  };
  const groups = args.filter((arg) => !arg.startsWith("--"));
  const folder = `${processes.folder}/coverage`;
  const tested = await deno(
    ["task", "test", ...groups.length > 0 ? groups : standardGroups],
    { DENO_COVERAGE_DIR: folder },
  );
  const { stdout, stderr, success } = await deno([
    "coverage",
    "--lcov",
    "--include=/src/",
    "--exclude=/src/gen/",
    folder,
  ]);
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const files = parseLcov(new TextDecoder().decode(stdout));
  console.log(describeCoverage(files, { withLines: args.includes("--lines") }).join("\n"));
  console.log(`${percent(files)}  of ${files.length} files`);
  const output = new TextDecoder().decode(tested.stdout).trimEnd();
  console.log(tested.success ? output.split("\n").at(-1) : output);
  return tested.success;
}

if (import.meta.main) Deno.exit(await measure(Deno.args) ? 0 : 1);
