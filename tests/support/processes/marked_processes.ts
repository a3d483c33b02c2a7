/** Processes of Linux whose environment has a marker, those that have ended and were not waited for left out. */
export function processesWith(marker: string): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    try {
      return pid > 0 && Deno.readTextFileSync(`/proc/${pid}/environ`).includes(marker);
    } catch {
      return false;
    }
  });
}
