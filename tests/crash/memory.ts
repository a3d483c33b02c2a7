/** Memory of a process after its garbage was collected, in bytes. */
export interface Memory {
  readonly heap: number;
  /** Of buffers, outside of the heap. */
  readonly external: number;
  readonly rss: number;
}

export function memoryGrowth(before: Memory, after: Memory): Memory {
  return { heap: after.heap - before.heap, external: after.external - before.external, rss: after.rss - before.rss };
}

/** Returns the figures for people, in KiB. */
export function showMemory({ heap, external, rss }: Memory): string {
  const show = (bytes: number) => `${Math.round(bytes / 1024).toLocaleString("en")} KiB`;
  return `heap ${show(heap)}, external ${show(external)}, resident ${show(rss)}`;
}
