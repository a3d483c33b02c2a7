/** A new folder that is removed, with what is in it, at the end of its scope. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = Deno.makeTempDirSync({ prefix: "chatd-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}
