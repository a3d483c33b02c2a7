import { fileStoreContract } from "../../contract/file_store.ts";
import { MemoryFiles } from "./memory_files.ts";

fileStoreContract("files in memory", () => {
  const files = new MemoryFiles();
  return Promise.resolve({ files, attachments: files, close() {} });
});
