/**
 * Runs all tests, a group (a folder of `tests/`) at a time, names those that failed, and ends with the line "N passed, N failed":
 *
 *     deno task test              # all of them
 *     deno task test core grpc    # these groups
 *     deno task ok                # first what `deno task check` checks
 *
 * Exits with 1 when anything failed. A group that ends without a report (a crash, or a test that does not end) counts as a failure.
 */
import { TestProgress } from "./test_progress.ts";

const root = new URL("../", import.meta.url);
/** A group in which no test ends for so long hangs. The longest test takes half a minute on a machine with nothing else to do. */
const testLimitMs = 480_000;

/** Connections of `node:http2`, `node:tls` and amqplib leave timers and reads behind for a while: what leaks is not told there. */
const overNetwork = new Set(["amqp", "crash", "e2e", "grpc"]);

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

interface GroupResult extends Count {
  /** Names of what failed. */
  failures: string[];
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
async function runGroup(group: string, files: readonly string[], report: string): Promise<GroupResult> {
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
  const count = await Deno.readTextFile(report).then(countTests, () => ({ passed, failed, skipped }));
  if (status.success) return { ...count, failures };
  if (hung !== undefined) failures.push(hung);
  else if (failures.length === 0) {
    failures.push(`ended with ${status.signal ?? status.code} during ${progress.running}`);
  }
  console.log((progress.errors.length > 0 ? progress.errors : progress.lines).join("\n"));
  return { ...count, failed: Math.max(count.failed, failures.length), failures };
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

async function runAll(args: readonly string[]): Promise<GroupResult> {
  const wanted = args.filter((arg) => arg !== "--checks");
  const groups = findGroups();
  const unknown = wanted.filter((name) => !groups.has(name));
  if (unknown.length > 0) throw new Error(`no group ${unknown.join(", ")}: there are ${[...groups.keys()].join(", ")}`);
  const total: GroupResult = { passed: 0, failed: 0, skipped: 0, failures: [] };
  const add = (name: string, { passed, failed, skipped, failures }: GroupResult) => {
    console.log(`${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    total.failures.push(...failures.map((failure) => `${name}: ${failure}`));
  };
  if (args.includes("--checks")) add("format, lint and types", await runChecks());
  const reports = await Deno.makeTempDir({ prefix: "chatd-tests-" });
  try {
    for (const [name, files] of groups) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      console.log(`\n${name}: ${files.length} files`);
      add(name, await runGroup(name, files, `${reports}/${encodeURIComponent(name)}.xml`));
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
  const { passed, failed, skipped, failures } = await runAll(Deno.args);
  if (failures.length > 0) console.log(`\nFAILED:\n${failures.map((failure) => `  ${failure}`).join("\n")}\n`);
  if (skipped > 0) console.log(`${skipped} skipped: this machine lacks what they need.`);
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
}
