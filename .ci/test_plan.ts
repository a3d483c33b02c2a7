/** Which test files run together, and in which order: the plan that keeps a run short. */

/** Test files that one `deno test` process runs, one after the other. */
export interface TestJob {
  /** The folder of `tests/`; "." for files beside the folders. */
  readonly group: string;
  readonly files: readonly string[];
}

/** Files that wait for most of their time. */
const waitingFile = /\/late_store_test\.ts$/;

/** Groups whose files neither start processes nor wait: one process for the group costs less than one for each file. */
const bundledGroups = new Set(["cli", "client", "commands", "core", "session", "store", "terminal", "wire"]);

/** The files that take longest, the longest first: a file that begins last should be short. */
export const longestFiles: readonly string[] = [
  "tests/store/crash_test.ts",
  "tests/session/session_test.ts",
  "tests/crash/crash_test.ts",
  "tests/e2e/database_test.ts",
  "tests/e2e/operators_anywhere_test.ts",
  "tests/amqp/contract_test.ts",
  "tests/grpc/contract_test.ts",
  "tests/e2e/slow_line/full_screen_test.ts",
  "tests/e2e/slow_line/chat_test.ts",
  "tests/e2e/slow_line/amqp_terminal_test.ts",
  "tests/e2e/slow_line/conversation_terminal_test.ts",
  "tests/e2e/slow_line/client_terminal_test.ts",
  "tests/e2e/stuck_log_test.ts",
  "tests/e2e/script_commands_test.ts",
  "tests/e2e/tail_test.ts",
  "tests/e2e/bot_test.ts",
  "tests/crash/leak_test.ts",
  "tests/e2e/bench_test.ts",
  "tests/session/late_store_test.ts",
  "tests/core/late_store_test.ts",
  "tests/core/chat_test.ts",
  "tests/e2e/cluster_test.ts",
  "tests/e2e/serve_test.ts",
  "tests/amqp/broker_faults_test.ts",
  "tests/amqp/killed_broker_test.ts",
  "tests/grpc/server/open_calls_test.ts",
  "tests/grpc/vanished_peer_test.ts",
  "tests/e2e/put_back_test.ts",
  "tests/amqp/hostile/content_test.ts",
  "tests/e2e/supervise_test.ts",
  "tests/client/chat_client_test.ts",
];

/** Returns the jobs for files by group, in the order in which they should begin. */
export function planJobs(groups: ReadonlyMap<string, readonly string[]>): TestJob[] {
  const jobs = [...groups].flatMap(([group, files]): TestJob[] => {
    const bundled = bundledGroups.has(group) ? files.filter((file) => !waitingFile.test(file)) : [];
    const single = files.filter((file) => !bundled.includes(file)).map((file) => ({ group, files: [file] }));
    return bundled.length > 0 ? [{ group, files: bundled }, ...single] : single;
  });
  const rank = ({ files }: TestJob) => {
    const rank = longestFiles.findIndex((file) => files.includes(file));
    return rank < 0 ? longestFiles.length : rank;
  };
  return jobs.toSorted((one, other) => rank(one) - rank(other));
}

/** Runs the jobs in order, `slots` at a time. */
export async function runJobs(
  jobs: readonly TestJob[],
  { slots, run }: { slots: number; run: (job: TestJob) => Promise<void> },
): Promise<void> {
  const waiting = jobs.values();
  const work = async () => {
    for (const job of waiting) await run(job);
  };
  await Promise.all(Array.from({ length: slots }, work));
}

/** Returns the test files of each folder of `tests/`, by its name. */
export function findGroups(root: URL): Map<string, string[]> {
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
