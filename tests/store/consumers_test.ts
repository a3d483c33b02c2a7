import { consumersContract } from "../contract/consumers.ts";
import { openPostgresStore } from "../support/databases/postgres_store.ts";
import { openTemporaryStore } from "../support/servers/temporary_store.ts";

consumersContract("sqlite", {
  open: openTemporaryStore,
  fillDisk: ({ database }) => {
    database.prepare("CREATE TABLE ballast (bytes BLOB)").run();
    database.prepare(
      "CREATE TRIGGER full BEFORE UPDATE ON consumer BEGIN INSERT INTO ballast VALUES (zeroblob(1000000)); END",
    ).run();
    const { page_count } = database.prepare("PRAGMA page_count").get() as { page_count: number };
    database.prepare(`PRAGMA max_page_count = ${page_count}`).get();
  },
});

consumersContract("postgres", {
  open: async () => {
    const store = await openPostgresStore();
    // Triggers of an earlier test are in the schema, which is emptied of rows alone.
    await store.database.write("DROP TRIGGER IF EXISTS full_disk ON consumer");
    return store;
  },
  fillDisk: async ({ database }) => {
    await database.write(
      `CREATE OR REPLACE FUNCTION fill_disk() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$`,
    );
    await database.write(
      "CREATE TRIGGER full_disk BEFORE UPDATE ON consumer FOR EACH ROW EXECUTE FUNCTION fill_disk()",
    );
  },
});
