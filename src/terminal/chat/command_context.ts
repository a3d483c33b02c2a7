import type { CommandContext } from "../commands/command.ts";
import type { ChatFace } from "./chat_face.ts";
import type { ChatLife } from "./chat_life.ts";
import type { ChatState } from "./chat_state.ts";
import type { Submissions } from "./sending/submissions.ts";

export interface CommandContextOptions extends Pick<CommandContext, "keepCredentials" | "loggedOut" | "leave"> {
  readonly state: ChatState;
  readonly face: ChatFace;
  readonly life: ChatLife;
  readonly submissions: Submissions;
}

/** Gives commands the parts of a chat that they may use. */
export function createCommandContext(
  { state, face, life, submissions, keepCredentials, loggedOut, leave }: CommandContextOptions,
): CommandContext {
  const { away, client, me, names, preferences, rooms, transfers } = state;
  return {
    client,
    me,
    names,
    rooms,
    preferences,
    away,
    keys: face.keys,
    print: (lines) => face.print(lines),
    show(messages) {
      for (const message of messages) state.learn(message);
      return face.showFound(messages, { isNumbered: false });
    },
    showResults(messages) {
      for (const message of messages) state.learn(message);
      state.found.replace(messages);
      return face.showFound(messages, { isNumbered: true });
    },
    clear: () => face.clear(),
    async opened(place, room) {
      names.addRoom(room);
      const opened = { conversation: room.id, address: room.id };
      state.roomNames.settle(place, opened);
      if (state.current?.conversation === room.id) await life.switch.turnTo(opened);
    },
    send: (place, message, options) => submissions.send(place, message, options),
    fillIn: (line, place) => submissions.fillIn(line, place),
    transfer: (activity, work) => transfers.start(activity, work),
    left(address) {
      life.directory.remove(address);
      if (state.current?.address === address) life.switch.leave();
    },
    askSecret: (question) => face.askSecret(question),
    keepCredentials,
    loggedOut,
    leave,
  };
}
