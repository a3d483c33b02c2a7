import { messageSearchContract } from "../contract/message_search.ts";
import { openPostgresSearch, openSqliteSearch } from "../support/servers/search_stores.ts";

messageSearchContract("search in SQLite", openSqliteSearch);
messageSearchContract("search in PostgreSQL", openPostgresSearch);
