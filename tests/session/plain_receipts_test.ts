import assert from "node:assert/strict";
import { FakeTime } from "../support/fakes/fake_time.ts";
import { open, send } from "../support/servers/session_requests.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import type { TestSession } from "../support/servers/test_session.ts";
import { LaneStore } from "../support/lane/lane_store.ts";
import { turns, until } from "../support/waiting/turns.ts";

function receiptsOf({ items }: TestSession) {
  return items.flatMap((item) => item.$case === "receipt" ? [item.value] : []);
}

for (const [way, decodes] of Object.entries({ "by the lane": false, "without the lane": true })) {
  Deno.test(`deliveries and read positions follow from messages ${way}`, async () => {
    using time = new FakeTime();
    const store = LaneStore.open();
    await using test = await TestChat.open({ store });
    await test.send("ana", "ben", "the first");
    const [ana, ben] = [
      await open(test, "ana", { decodes, hello: { protocolVersion: 2 } }),
      await open(test, "ben", { decodes, hello: { protocolVersion: 2 } }),
    ];
    const positions = async (user: string) => {
      const summary = await store.messages.conversationOf(user, "ana:ben");
      return [summary!.readSeq, summary!.unread];
    };
    const ids = ana.request(...["2", "3", "4"].map((text) => send(test, "ben", text)));
    for (const id of ids) await ana.reply(id);
    await until(() => ben.texts.length === 3);
    assert.equal(store.messages.plain, decodes ? 0 : 3);
    ben.acknowledge();
    await time.tick(200);
    await until(() => receiptsOf(ana).length > 0);
    await ben.ask("read", { with: "ana", seq: 9 });
    for (let count = 0; count < 4; count++) {
      await time.tick(500);
      await turns(3);
    }
    const [conversation, user] = ["ana:ben", "ben"];
    assert.deepEqual(receiptsOf(ana), [
      { conversation, user, readSeq: 0, deliveredSeq: 4 },
      { conversation, user, readSeq: 4, deliveredSeq: 0 },
    ]);
    assert.deepEqual(receiptsOf(ben), [{ conversation, user, readSeq: 4, deliveredSeq: 0 }]);
    assert.deepEqual([await positions("ana"), await positions("ben")], [[4, 0], [4, 0]]);
  });
}
