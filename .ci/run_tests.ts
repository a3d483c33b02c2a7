/**
 * Runs all tests, a group (a folder of `tests/`) at a time, names those that failed, and ends with the line "N passed, N failed":
 *
 *     deno task test              # all of them
 *     deno task test core grpc    # these groups
 *     deno task ok                # first what `deno task check` checks
 *
 * Exits with 1 when anything failed. A group that ends without a report (a crash, or a test that does not end) counts as a failure.
 * Files of the groups that talk to real processes over a network are run again, at the end and alone, when tests of them failed:
 * what passes then counts as passed, and is listed as flaky. `--no-retry` leaves that out.
 */
import { filesToRunAgain, type FlakyTest, settle, type TestRun } from "./second_chance.ts";
import { canInstallPackages, installCommand, missingDebianPackages } from "../tests/support/debian_package.ts";
import { TestProgress } from "./test_progress.ts";

const root = new URL("../", import.meta.url);
/** A group in which no test ends for so long hangs. The longest test takes half a minute on a machine with nothing else to do. */
const testLimitMs = 600_000;
/** The same for all of a run: names of tests say it, and a test that is run again has the same name. */
const crashSeed = String(Date.now() % 1_000_000);
/** Of the error of a flaky test. */
const shownLines = 12;

/**
 * Connections of `node:http2`, `node:tls` and amqplib leave timers and reads behind for a while: what leaks is not told there. And
 * what happens there depends on processes that the machine may keep waiting: those tests get a second chance.
 */
const overNetwork = new Set(["amqp", "crash", "e2e", "grpc"]);

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

interface GroupResult extends Count {
  /** Names of what failed. */
  readonly failures: readonly string[];
  readonly flaky?: readonly FlakyTest[];
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
  return { CHATD_CRASH_SECONDS: "60", CHATD_CRASH_SEED: crashSeed, ...Object.fromEntries(own) };
}

function deno(args: readonly string[], stdout: "inherit" | "piped"): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    clearEnv: true,
    env: environment(),
    stdin: "null",
    stdout,
    stderr: "inherit",
  }).spawn();
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

/** Types are checked before all groups, with `--checks`. Shows a mark for each test, and of groups in which something failed what went wrong. */
async function runGroup(group: string, files: readonly string[], report: string): Promise<TestRun> {
  const sanitizers = overNetwork.has(group) ? [] : ["--sanitize-ops", "--sanitize-resources"];
  const child = deno(
    ["test", "-A", "--quiet", "--no-check", ...sanitizers, `--junit-path=${report}`, ...files],
    "piped",
  );
  const progress = new TestProgress();
  let hung: string | undefined;
  let hasEnded = false;
  void child.status.then(() => hasEnded = true);
  const kill = () => {
    if (hasEnded) return;
    hung = `${progress.running} did not end within ${testLimitMs / 60_000} minutes`;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(kill, testLimitMs);
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const reading = (async () => {
    for (let { value, done } = await output.read(); !done; { value, done } = await output.read()) {
      const marks = progress.take(value!);
      if (marks === "") continue;
      Deno.stdout.writeSync(new TextEncoder().encode(marks));
      clearTimeout(timer);
      if (hung === undefined) timer = setTimeout(kill, testLimitMs);
    }
  })();
  const status = await child.status;
  // Something that a test started and left behind may hold the other end.
  const patience = setTimeout(() => output.cancel(), 5_000);
  await reading;
  clearTimeout(patience);
  clearTimeout(timer);
  console.log();
  const { passed, failed, skipped, failures } = progress;
  const counted = await Deno.readTextFile(report).then(countTests, () => undefined);
  const count = counted ?? { passed, failed, skipped };
  if (status.success) return { ...count, failures, progress, isWhole: true };
  const isWhole = counted !== undefined && hung === undefined && failures.length > 0;
  if (hung !== undefined) failures.push(hung);
  else if (failures.length === 0) {
    failures.push(`ended with ${status.signal ?? status.code} during ${progress.running}`);
  }
  console.log((progress.errors.length > 0 ? progress.errors : progress.lines).join("\n"));
  // A file that ends before its tests is in no report.
  const empty = progress.brokenFiles.filter((file) => !progress.files.get(file)?.failed.length).length;
  return { ...count, failed: Math.max(count.failed + empty, failures.length), failures, progress, isWhole };
}

const checks = [["fmt", "--check"], ["lint"], ["check", "main.ts", "src", "tests", "proto", "packaging", ".ci"]];

async function runChecks(): Promise<GroupResult> {
  const failures: string[] = [];
  for (const check of checks) {
    const { success } = await deno(check, "inherit").status;
    if (!success) failures.push(`deno ${check.join(" ")}`);
  }
  return { passed: checks.length - failures.length, failed: failures.length, skipped: 0, failures };
}

/** Runs files that failed once more, each alone. */
async function runAgain(files: readonly string[], { group, reports }: { group: string; reports: string }) {
  const runs = new Map<string, TestRun>();
  for (const file of files) {
    console.log(`\n${file}, run again because it failed`);
    runs.set(file, await runGroup(group, [file], `${reports}/${encodeURIComponent(file)}.xml`));
  }
  return runs;
}

function tell(name: string, { passed, failed, skipped }: Count): void {
  console.log(`${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
}

async function runGroups(wanted: readonly string[], { mayRetry }: { mayRetry: boolean }) {
  const groups = findGroups();
  const unknown = wanted.filter((name) => !groups.has(name));
  if (unknown.length > 0) throw new Error(`no group ${unknown.join(", ")}: there are ${[...groups.keys()].join(", ")}`);
  const reports = await Deno.makeTempDir({ prefix: "chatd-tests-" });
  const runs = new Map<string, TestRun>();
  const results = new Map<string, GroupResult>();
  try {
    for (const [name, files] of groups) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      console.log(`\n${name}: ${files.length} files`);
      const run = await runGroup(name, files, `${reports}/${encodeURIComponent(name)}.xml`);
      tell(name, run);
      runs.set(name, run);
      results.set(name, run);
    }
    for (const [name, run] of runs) {
      const files = mayRetry && overNetwork.has(name) ? filesToRunAgain(run) : [];
      if (files.length === 0) continue;
      const settled = settle(run, await runAgain(files, { group: name, reports }));
      tell(`${name}, with what was run again`, settled);
      results.set(name, settled);
    }
  } finally {
    await Deno.remove(reports, { recursive: true });
  }
  return results;
}

async function runAll(args: readonly string[]): Promise<Required<GroupResult>> {
  const wanted = args.filter((arg) => !arg.startsWith("--"));
  const unknown = args.filter((arg) => arg.startsWith("--") && arg !== "--checks" && arg !== "--no-retry");
  if (unknown.length > 0) throw new Error(`no option ${unknown.join(", ")}: there are --checks, --no-retry`);
  const results = new Map<string, GroupResult>();
  if (args.includes("--checks")) {
    const checked = await runChecks();
    tell("format, lint and types", checked);
    results.set("format, lint and types", checked);
  }
  for (const [name, result] of await runGroups(wanted, { mayRetry: !args.includes("--no-retry") })) {
    results.set(name, result);
  }
  const sum = (count: (result: GroupResult) => number) =>
    [...results.values()].reduce((sum, each) => sum + count(each), 0);
  const named = [...results].map(([name, { failures, flaky = [] }]) => ({
    failures: failures.map((failure) => `${name}: ${failure}`),
    flaky: flaky.map(({ failure, error }) => ({ failure: `${name}: ${failure}`, error })),
  }));
  return {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
    failures: named.flatMap(({ failures }) => failures),
    flaky: named.flatMap(({ flaky }) => flaky),
  };
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
  const missing = missingDebianPackages();
  if (missing.length > 0 && !canInstallPackages()) {
    console.log(`Some tests need packages that are not installed, and fail: ${installCommand(missing)}`);
  }
  const { passed, failed, skipped, failures, flaky } = await runAll(Deno.args);
  if (flaky.length > 0) {
    const lines = flaky.flatMap((
      { failure, error },
    ) => [failure, ...error.slice(0, shownLines).map((line) => `  ${line}`)]);
    console.log(`\nFLAKY (failed once, passed when run again):\n${lines.map((line) => `  ${line}`).join("\n")}`);
  }
  if (failures.length > 0) console.log(`\nFAILED:\n${failures.map((failure) => `  ${failure}`).join("\n")}\n`);
  if (skipped > 0) console.log(`${skipped} skipped: this machine lacks what they need.`);
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
}
