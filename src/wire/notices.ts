import type { Notice, PresenceState } from "../core/people/notice.ts";
import { PresenceState as WirePresenceState } from "../gen/chatd/v1/chat.ts";
import type { Item } from "../gen/chatd/v1/session.ts";

const wirePresence: Readonly<Record<PresenceState, WirePresenceState>> = {
  offline: WirePresenceState.OFFLINE,
  online: WirePresenceState.ONLINE,
  away: WirePresenceState.AWAY,
};

export function toWirePresence(state: PresenceState): WirePresenceState {
  return wirePresence[state];
}

export function toWireNotice(notice: Notice): NonNullable<Item["kind"]> {
  switch (notice.kind) {
    case "presence": {
      const { user, state } = notice;
      return { $case: "presence", value: { user, online: state !== "offline", state: toWirePresence(state) } };
    }
    case "typing": {
      const { conversation, user, stopped } = notice;
      return { $case: "typing", value: { conversation, user, stopped } };
    }
    case "receipt": {
      const { conversation, user, readSeq, deliveredSeq } = notice;
      return { $case: "receipt", value: { conversation, user, readSeq, deliveredSeq } };
    }
    case "room_receipts": {
      const { conversation, counts } = notice;
      return { $case: "roomReceipts", value: { conversation, counts: [...counts] } };
    }
    case "state_changed": {
      const { revision, conversation = "" } = notice;
      return { $case: "stateChanged", value: { revision, conversation } };
    }
  }
}

/** Returns undefined for an item that is no notice. */
export function fromWireNotice(item: NonNullable<Item["kind"]>): Notice | undefined {
  switch (item.$case) {
    case "presence":
      return { kind: "presence", user: item.value.user, state: fromWirePresence(item.value) };
    case "typing":
      return { kind: "typing", ...item.value };
    case "receipt":
      return { kind: "receipt", ...item.value };
    case "roomReceipts":
      return { kind: "room_receipts", ...item.value };
    case "stateChanged":
      return {
        kind: "state_changed",
        revision: item.value.revision,
        conversation: item.value.conversation === "" ? undefined : item.value.conversation,
      };
    default:
      return undefined;
  }
}

/** Converts the state of a user; a server may send only `online`. */
export function fromWirePresence({ state, online }: { state: WirePresenceState; online: boolean }): PresenceState {
  if (state === WirePresenceState.AWAY) return "away";
  return online ? "online" : "offline";
}
