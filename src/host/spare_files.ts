/** More files than a thread opens when it starts and a server accepts meanwhile. */
const filesOfThread = 32;

/**
 * Reports whether the process may open enough files to start a thread: Deno 2.9.6 ends the process when it cannot open
 * those of a new worker. Opens `folder` for that, never a file of a database: closing it would drop the locks of SQLite
 * (https://sqlite.org/howtocorrupt.html, section 2.2).
 */
export function hasFilesForThread(folder: string): boolean {
  using opened = new DisposableStack();
  try {
    for (let count = 0; count < filesOfThread; count++) opened.use(Deno.openSync(folder));
    return true;
  } catch (error) {
    // Windows opens no folders, and has no such limit.
    return !(error instanceof Error && "code" in error && (error.code === "EMFILE" || error.code === "ENFILE"));
  }
}
