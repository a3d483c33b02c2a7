import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { lockFolder } from "../../../src/store/folder_lock.ts";
import { openStore } from "../../../src/store/open_store.ts";
import { quotas, uploadOf } from "../../contract/file_store.ts";
import { randomBytes } from "../../support/checks/files.ts";
import { acceptedMessage, directAppend, userRecord } from "../../support/servers/stored_messages.ts";

// Uploads, sends and deletes files in the folder given as its argument until it is killed, and prints each action:
// "begun ID SHA256 SIZE", "sent SEQ SHA256", "deleted SEQ".
const folder = Deno.args[0];
using _lock = lockFolder(folder);
using store = openStore({ folder });
for (const name of ["ana", "ben"]) await store.accounts.addUser(userRecord(name));
const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const sent: number[] = [];
// Repeats some contents, which several messages or none have then.
const contents = Array.from({ length: 4 }, (_, index) => new Uint8Array(1 + index * 40_000).fill(index));

const uploader = async (): Promise<never> => {
  while (true) {
    const own = randomBytes(1 + Math.floor(Math.random() * 150_000));
    const bytes = Math.random() < 0.5 ? own : contents[Math.floor(Math.random() * contents.length)];
    const upload = await uploadOf(bytes, { id: createMessageId() });
    await store.files.add(upload, { ...quotas, maxBytesOfOwner: 2 ** 40 });
    say(`begun ${upload.id} ${upload.sha256} ${upload.size}`);
    for (let offset = 0; offset < bytes.length;) {
      offset = await store.files.write(upload, { offset, bytes: bytes.subarray(offset, offset + 49_152) });
    }
    await store.files.finish(upload);
    const append = { ...directAppend("ana", "ben", { text: "" }), uploadId: upload.id };
    const { seq } = acceptedMessage((await store.messages.commit([append]))[0]);
    say(`sent ${seq} ${upload.sha256}`);
    sent.push(seq);
    if (sent.length > 10) {
      const [target] = sent.splice(Math.floor(Math.random() * sent.length), 1);
      const deletion = { ...directAppend("ana", "ben", { text: "" }), event: { kind: "deleted" as const, target } };
      say(`deleting ${target}`);
      acceptedMessage((await store.messages.commit([deletion]))[0]);
      void store.files.removeUnheld();
    }
  }
};

await Promise.all([uploader(), uploader(), uploader()]);
