/** What workers are made from; a test itself is the entry of its process. */
export const programEntry = new URL("../../main.ts", import.meta.url).href;
