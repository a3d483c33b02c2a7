import { plainCommitContract } from "../contract/plain_commits.ts";
import { PostgresPlainStore } from "../support/lane/postgres_plain_store.ts";
import { SqlitePlainStore } from "../support/lane/sqlite_plain_store.ts";

const byConnection = () => new SqlitePlainStore("connection");
plainCommitContract("sqlite, by the connection", byConnection);
plainCommitContract("sqlite, by a thread", () => new SqlitePlainStore("thread"), byConnection);
plainCommitContract("postgres", () => PostgresPlainStore.open());
