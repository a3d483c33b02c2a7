import { fileStoreContract } from "../contract/file_store.ts";
import { openFilesInFolder, openFilesInPostgres } from "../support/servers/file_stores.ts";

fileStoreContract("files in SQLite and a folder", openFilesInFolder);
fileStoreContract("files in PostgreSQL", openFilesInPostgres);
