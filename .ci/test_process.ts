import { killGroup, type ProcessGroups } from "./process_groups.ts";
import type { TestRun } from "./second_chance.ts";
import { TestProgress } from "./test_progress.ts";

/** A process in which no test ends for so long hangs. */
const testLimitMs = 300_000;
/** How many characters of stderr are shown of a process in which a test failed. */
const shownErrors = 10_000;

export interface TestProcessOptions {
  readonly root: URL;
  readonly files: readonly string[];
  /** Only the test of this name. */
  readonly test?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly processes: ProcessGroups;
}

/** Runs test files in a process of their own. Types are checked by `deno task check`. */
export async function runTestProcess({ root, files, test, env, processes }: TestProcessOptions): Promise<TestRun> {
  const report = `${processes.folder}/${crypto.randomUUID()}.xml`;
  const filter = test === undefined ? [] : [`--filter=${exactly(test)}`];
  const child = await processes.spawn(Deno.execPath(), {
    args: ["test", "-A", "--quiet", "--no-check", `--junit-path=${report}`, ...filter, ...files],
    cwd: root,
    clearEnv: true,
    env: { ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const followed = await follow(child);
  return judge({ ...followed, counted: await readReport(report) });
}

/** Returns the counts of a report; undefined when it was not written. */
async function readReport(path: string): Promise<Count | undefined> {
  try {
    return countTests(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A filter of `deno test` that one name matches. */
function exactly(name: string): string {
  return `/^${name.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&")}$/`;
}

interface Followed {
  readonly progress: TestProgress;
  /** Why the process was killed. */
  readonly hung: string | undefined;
  readonly status: Deno.CommandStatus;
  /** The end of stderr. */
  readonly stderr: string;
}

async function follow(child: Deno.ChildProcess): Promise<Followed> {
  const progress = new TestProgress();
  let hung: string | undefined;
  let stderr = "";
  let hasEnded = false;
  const kill = () => {
    hung = `${progress.running} did not end within ${testLimitMs / 60_000} minutes`;
    killGroup(child.pid);
  };
  let timer = setTimeout(kill, testLimitMs);
  const read = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
  };
  const reading = Promise.all([
    read(child.stdout, (text) => {
      if (progress.take(text) === "" || hung !== undefined || hasEnded) return;
      clearTimeout(timer);
      timer = setTimeout(kill, testLimitMs);
    }),
    read(child.stderr, (text) => stderr = (stderr + text).slice(-shownErrors)),
  ]);
  const status = await child.status;
  hasEnded = true;
  clearTimeout(timer);
  // A process that left the group may hold the other ends.
  let patience: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([reading, new Promise((resolve) => patience = setTimeout(resolve, 5_000))]);
  clearTimeout(patience);
  return { progress, hung, status, stderr };
}

function judge({ progress, hung, status, stderr, counted }: Followed & { counted: Count | undefined }): TestRun {
  const { passed, failed, skipped, failures } = progress;
  const count = counted ?? { passed, failed, skipped };
  if (status.success && counted !== undefined) return { ...count, failures, progress, isWhole: true, output: [] };
  const isWhole = counted !== undefined && hung === undefined && failures.length > 0;
  if (hung !== undefined) failures.push(hung);
  else if (failures.length === 0) {
    failures.push(
      `ended with ${status.signal ?? status.code}${
        counted === undefined ? " and no report" : ""
      } during ${progress.running}`,
    );
  }
  // A file that ends before its tests is in no report.
  const empty = progress.brokenFiles.filter((file) => !progress.files.get(file)?.failed.length).length;
  const output = [...progress.errors.length > 0 ? progress.errors : progress.lines, ...stderr.split("\n")];
  return { ...count, failed: Math.max(count.failed + empty, failures.length), failures, progress, isWhole, output };
}

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Reads the counts from a report in JUnit's format, as `deno test` writes it. */
export function countTests(report: string): Count {
  const sum = (pattern: RegExp) => [...report.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0);
  const failed = sum(/<testsuite [^>]*\bfailures="(\d+)"/g) + sum(/<testsuite [^>]*\berrors="(\d+)"/g);
  const skipped = sum(/<testsuite [^>]*\bdisabled="(\d+)"/g);
  return { passed: sum(/<testsuite [^>]*\btests="(\d+)"/g) - failed - skipped, failed, skipped };
}
