/** Which test files run together, and in which order: the plan that keeps a run short. */

/** Test files that one `deno test` process runs, one after the other. */
export interface TestJob {
  /** The folder of `tests/`; "." for files beside the folders. */
  readonly group: string;
  readonly files: readonly string[];
  /** Nothing else runs meanwhile. */
  readonly isAlone: boolean;
}

/** Groups whose files neither start processes nor wait: one process for the group costs less than one for each file. */
const bundledGroups = new Set(["cli", "client", "commands", "core", "session", "store", "terminal", "wire"]);

/** Files that compare times or CPU, which other tests would change. */
const aloneFiles: ReadonlySet<string> = new Set([]);

/** Files that take longest, the longest first: what begins last should be short. */
export const longestFiles: readonly string[] = [];

/** Returns the jobs for files by group, in the order in which they should begin. */
export function planJobs(groups: ReadonlyMap<string, readonly string[]>): TestJob[] {
  const jobs = [...groups].flatMap(([group, files]): TestJob[] => {
    if (bundledGroups.has(group)) return [{ group, files, isAlone: false }];
    return files.map((file) => ({ group, files: [file], isAlone: aloneFiles.has(file) }));
  });
  const rank = ({ files, isAlone }: TestJob) => {
    if (isAlone) return longestFiles.length + 1;
    const rank = longestFiles.findIndex((file) => files.includes(file));
    return rank < 0 ? longestFiles.length : rank;
  };
  return jobs.toSorted((one, other) => rank(one) - rank(other));
}

/** Runs the jobs in order, `slots` at a time; those that are alone begin when all others have ended. */
export async function runJobs(
  jobs: readonly TestJob[],
  { slots, run }: { slots: number; run: (job: TestJob) => Promise<void> },
): Promise<void> {
  const together = jobs.filter(({ isAlone }) => !isAlone).values();
  const work = async () => {
    for (const job of together) await run(job);
  };
  await Promise.all(Array.from({ length: slots }, work));
  for (const job of jobs.filter(({ isAlone }) => isAlone)) await run(job);
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
