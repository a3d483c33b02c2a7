/**
 * Runs all tests, a group (a folder of `tests/`) at a time, and ends with the line "N passed, N failed":
 *
 *     deno task test              # all of them
 *     deno task test core grpc    # these groups
 *     deno task ok                # first what `deno task check` checks
 *
 * Exits with 1 when anything failed. A group that ends without a report (a crash, or no end within ten minutes) counts as a failure.
 */
const root = new URL("../", import.meta.url);
const groupLimitMs = 600_000;

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/** What a report in JUnit's format, as `deno test` writes it, says. */
export function countTests(report: string): Count {
  const sum = (pattern: RegExp) => [...report.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0);
  const failed = sum(/<testsuite [^>]*\bfailures="(\d+)"/g) + sum(/<testsuite [^>]*\berrors="(\d+)"/g);
  const skipped = sum(/<testsuite [^>]*\bdisabled="(\d+)"/g);
  return { passed: sum(/<testsuite [^>]*\btests="(\d+)"/g) - failed - skipped, failed, skipped };
}

/** Environment without the settings of a chatd that somebody uses here, so that tests see the defaults. */
function environment(): Record<string, string> {
  const own = Object.entries(Deno.env.toObject()).filter(([name]) => !/^CHATD_(?!CRASH_)/.test(name));
  return { CHATD_CRASH_SECONDS: "60", ...Object.fromEntries(own) };
}

async function deno(args: readonly string[]): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    clearEnv: true,
    env: environment(),
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), groupLimitMs);
  const { success } = await child.status;
  clearTimeout(timer);
  return success;
}

/** The test files of each folder of `tests/`, by its name; "." for those beside the folders. */
function findGroups(): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  const visit = (folder: string, group: string): void => {
    for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, root))) {
      if (isDirectory) visit(`${folder}${name}/`, group === "." ? name : group);
      else if (name.endsWith("_test.ts")) groups.set(group, [...groups.get(group) ?? [], `${folder}${name}`]);
    }
  };
  visit("tests/", ".");
  return new Map([...groups].toSorted(([one], [other]) => one.localeCompare(other)));
}

async function runGroup(files: readonly string[], report: string): Promise<Count> {
  const success = await deno(["test", "-A", "--quiet", "--reporter=dot", `--junit-path=${report}`, ...files]);
  const count = await Deno.readTextFile(report).then(countTests, () => ({ passed: 0, failed: 0, skipped: 0 }));
  if (!success && count.failed === 0) count.failed = 1;
  return count;
}

const checks = [["fmt", "--check"], ["lint"], ["check", "main.ts", "src", "tests", "proto", ".ci"]];

async function runChecks(): Promise<Count> {
  const count: Count = { passed: 0, failed: 0, skipped: 0 };
  for (const check of checks) {
    if (await deno(check)) count.passed += 1;
    else count.failed += 1;
  }
  return count;
}

async function runAll(args: readonly string[]): Promise<Count> {
  const wanted = args.filter((arg) => arg !== "--checks");
  const groups = findGroups();
  const unknown = wanted.filter((name) => !groups.has(name));
  if (unknown.length > 0) throw new Error(`no group ${unknown.join(", ")}: there are ${[...groups.keys()].join(", ")}`);
  const total: Count = { passed: 0, failed: 0, skipped: 0 };
  const add = (name: string, { passed, failed, skipped }: Count) => {
    console.log(`${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  };
  if (args.includes("--checks")) add("format, lint and types", await runChecks());
  const reports = await Deno.makeTempDir({ prefix: "chatd-tests-" });
  try {
    for (const [name, files] of groups) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      console.log(`\n${name}: ${files.length} files`);
      add(name, await runGroup(files, `${reports}/${encodeURIComponent(name)}.xml`));
    }
  } finally {
    await Deno.remove(reports, { recursive: true });
  }
  return total;
}

function hasTmux(): boolean {
  try {
    return new Deno.Command("tmux", { args: ["-V"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  if (!hasTmux()) console.log("tmux is not installed: the tests of the client on a terminal are skipped.");
  const { passed, failed, skipped } = await runAll(Deno.args);
  if (skipped > 0) console.log(`${skipped} skipped: this machine lacks what they need.`);
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
}
