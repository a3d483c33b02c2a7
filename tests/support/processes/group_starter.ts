/** Starts two shells with two processes each in groups of their own, says so, and waits. */
import { ProcessGroups } from "../../../.ci/process_groups.ts";

const groups = new ProcessGroups();
const options: Deno.CommandOptions = {
  args: ["-c", "sleep 1000 & sleep 1000"],
  stdin: "null",
  stdout: "null",
  stderr: "null",
};
for (let count = 0; count < 2; count++) await groups.spawn("/bin/sh", options);
console.log(`started in ${groups.folder}`);
setInterval(() => {}, 1_000_000);
