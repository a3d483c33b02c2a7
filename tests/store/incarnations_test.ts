import { Incarnations as PostgresIncarnations } from "../../src/store/postgres/log/incarnations.ts";
import { Database } from "../../src/store/sqlite/database.ts";
import { Incarnations } from "../../src/store/sqlite/incarnations.ts";
import { incarnationsContract } from "../contract/incarnations.ts";
import { openEmptyDatabase } from "../support/databases/postgres_store.ts";

incarnationsContract("sqlite", (past) => {
  const database = Database.openInMemory();
  const add = database.prepare("INSERT INTO incarnation (id, head) VALUES (?, ?)");
  database.transaction(() => past.forEach(({ id, head }) => add.run(id, head)));
  const heads = database.prepare("SELECT head FROM incarnation ORDER BY number");
  return {
    incarnations: new Incarnations(database),
    heads: () => heads.all().map(({ head }) => Number(head)),
    close: () => database.close(),
  };
});

incarnationsContract("postgres", async (past) => {
  const database = await openEmptyDatabase();
  await database.write(
    "INSERT INTO incarnation (id, head) SELECT id, head FROM unnest($1::text[], $2::bigint[]) past (id, head)",
    [past.map(({ id }) => id), past.map(({ head }) => head)],
  );
  return {
    incarnations: new PostgresIncarnations(database),
    heads: async () => {
      const rows = await database.read<{ head: number }>("SELECT head FROM incarnation ORDER BY number");
      return rows.map(({ head }) => head);
    },
    close: () => database.close(),
  };
});
