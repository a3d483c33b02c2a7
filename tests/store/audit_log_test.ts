import { PostgresAuditLog } from "../../src/store/postgres/postgres_audit_log.ts";
import { Database } from "../../src/store/sqlite/database.ts";
import { SqliteAuditLog } from "../../src/store/sqlite/sqlite_audit_log.ts";
import { auditLogContract } from "../contract/audit_log.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { openEmptyDatabase } from "../support/databases/postgres_store.ts";

auditLogContract("sqlite", () => {
  const folder = temporaryFolder();
  let database: Database | undefined;
  return {
    open(options) {
      database?.close();
      database = Database.open(folder.path);
      return new SqliteAuditLog(database, options);
    },
    close() {
      database?.close();
      folder[Symbol.dispose]();
    },
  };
});

auditLogContract("postgres", async () => {
  const database = await openEmptyDatabase();
  return { open: (options) => new PostgresAuditLog(database, options), close: () => database.close() };
});
