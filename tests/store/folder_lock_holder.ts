import { lockFolder } from "../../src/store/folder_lock.ts";

// Holds the lock of the folder given as its argument until it is killed or its standard input ends.
lockFolder(Deno.args[0]);
console.log("locked");
await Deno.stdin.read(new Uint8Array(1));
