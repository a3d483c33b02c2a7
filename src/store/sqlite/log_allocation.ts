/** The least size of the write-ahead log while clients are served, in bytes: a few hundred lone messages. */
export const allocatedLogBytes = 4 * 1024 * 1024;

const zeros = new Uint8Array(64 * 1024);

/**
 * Appends zeros to the write-ahead log at `path` up to {@link allocatedLogBytes}. A commit that makes a file longer also
 * waits for the file system's journal, which takes half as long again. SQLite overwrites the zeros; when it recovers,
 * they are the end of the log, because their salts are not those of its header
 * (https://sqlite.org/fileformat2.html#walformat). Does nothing without a log, or on a full disk.
 */
export function allocateLog(path: string): void {
  try {
    // Appends only, because the frames before are SQLite's.
    using log = Deno.openSync(path, { append: true });
    const { size } = log.statSync();
    try {
      for (let bytes = size; bytes < allocatedLogBytes;) {
        bytes += log.writeSync(zeros.subarray(0, allocatedLogBytes - bytes));
      }
      log.syncDataSync();
    } catch (error) {
      log.truncateSync(size);
      throw error;
    }
  } catch {
    // Commits are slower without it, and report a failing disk themselves.
  }
}
