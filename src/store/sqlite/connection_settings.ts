// mmap_size: with a memory map, a read error of the disk would kill the process (SIGBUS) instead of failing one query.
// secure_delete: deleted data is overwritten in the file.
// wal_autocheckpoint: a checkpoint at 16 MiB instead of 4 MiB of log makes large commits up to a tenth faster, because
// a page that many commits change is written once.
/** Settings of a connection that writes. */
export const connectionSettings = `
  PRAGMA busy_timeout = 0;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  PRAGMA secure_delete = ON;
  PRAGMA cache_size = -32768;
  PRAGMA mmap_size = 0;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 67108864;
`;
