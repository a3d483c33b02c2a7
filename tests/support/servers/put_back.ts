import assert from "node:assert/strict";

/** Copies "data" in `folder` to "copy", as a snapshot or rsync does; no server may run. */
export function copyData(folder: string): void {
  copy(`${folder}/data`, `${folder}/copy`);
}

/** Puts the copy of {@link copyData} in the place of "data"; no server may run. */
export function putBackData(folder: string): void {
  Deno.removeSync(`${folder}/data`, { recursive: true });
  copy(`${folder}/copy`, `${folder}/data`);
}

function copy(from: string, to: string): void {
  const { success } = new Deno.Command("cp", { args: ["-a", from, to] }).outputSync();
  assert.ok(success, `${from} was not copied`);
}
