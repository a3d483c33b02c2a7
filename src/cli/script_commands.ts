import type { Environment } from "../commands/options/environment.ts";
import { clientExitCode, scriptExitCode } from "../commands/exit_code.ts";
import { type CommandEntry, defineCommand } from "../commands/command.ts";
import {
  botOptions,
  historyOptions,
  loginOptions,
  logoutOptions,
  profilesOptions,
  roomsOptions,
  searchOptions,
  sendOptions,
  tailOptions,
  usersOptions,
} from "../commands/script/script_options.ts";
import type { OptionsWithEnv } from "../commands/options/options_with_env.ts";

/** What programs do in the chat. stdout is data and stderr is talk; nothing is asked where nobody is to answer. */
export function scriptCommands(options: OptionsWithEnv, env: Environment): readonly CommandEntry[] {
  return [
    defineCommand({
      name: "login",
      brief: "Log in, and keep it under a name",
      description: "Logs in, and keeps who you are and where to go as a profile, for the commands for scripts. The " +
        "login itself is the one of the chat client, and is used without asking when it is there.",
      options: () => loginOptions(options, env),
      load: async () => (await import("../commands/login/run_login.ts")).runLogin,
      exitCodeOf: clientExitCode,
    }),
    defineCommand({
      name: "logout",
      brief: "End the login of a profile, and forget it",
      description:
        "Ends the login of a profile, on the server too, and forgets the profile. The chat client of the same " +
        "user and server is logged out with it.",
      options: () => logoutOptions(options),
      load: async () => (await import("../commands/login/run_login.ts")).runLogout,
      exitCodeOf: clientExitCode,
    }),
    defineCommand({
      name: "profiles",
      brief: "List profiles",
      description: "Lists profiles: the name, the user, grpc or amqp, where it leads, and whether a login is saved.",
      options: () => profilesOptions(options),
      load: async () => (await import("../commands/login/run_login.ts")).runProfiles,
      exitCodeOf: clientExitCode,
    }),
    defineCommand({
      name: "send",
      brief: "Send a message, and end when it was accepted",
      description:
        "Sends TEXT, or what comes on stdin, as one message. Tries again until it is accepted or refused, and " +
        "ends with 0 only when it is accepted.",
      options: () => sendOptions(options, env),
      load: async () => (await import("../commands/send/run_send.ts")).runSend,
      exitCodeOf: scriptExitCode,
    }),
    defineCommand({
      name: "tail",
      brief: "Print messages as they come",
      description: "Prints messages as they come, and goes on where it stopped the next time. What was printed is " +
        "acknowledged when the reader of stdout took it. The first time, it begins with what is new.",
      options: () => tailOptions(options, env),
      load: async () => (await import("../commands/tail/run_tail.ts")).runTail,
      exitCodeOf: scriptExitCode,
    }),
    defineCommand({
      name: "bot",
      brief: "Run a command for each message, and send what it prints",
      description:
        "Runs a command for each message of others: the text is on its stdin, who and where in its environment " +
        "(CHATD_SENDER, CHATD_ADDRESS, …). What it prints is sent to the same conversation. Messages of other bots are " +
        "passed over.",
      options: () => botOptions(options, env),
      load: async () => (await import("../commands/bot/run_bot.ts")).runBot,
      exitCodeOf: scriptExitCode,
    }),
    defineCommand({
      name: "history",
      brief: "Print the newest messages of a conversation",
      description: "Prints the newest messages of a conversation, oldest first.",
      options: () => historyOptions(options, env),
      load: async () => (await import("../commands/lists/run_lists.ts")).runHistory,
      exitCodeOf: scriptExitCode,
    }),
    defineCommand({
      name: "search",
      brief: "Find messages by their words",
      description: "Prints messages that have all of the words, the newest first.",
      options: () => searchOptions(options, env),
      load: async () => (await import("../commands/lists/run_lists.ts")).runSearch,
      exitCodeOf: scriptExitCode,
    }),
    defineCommand({
      name: "users",
      brief: "List all users",
      description: "Lists all users, by name: the name, and whether they are online, separated by a tab.",
      options: () => usersOptions(options, env),
      load: async () => (await import("../commands/lists/run_lists.ts")).runUsers,
      exitCodeOf: scriptExitCode,
    }),
    defineCommand({
      name: "rooms",
      brief: "List public rooms, or your own",
      description: "Lists public rooms, or those that you are in: the address, the name, how many are in it, and the " +
        "topic, separated by tabs.",
      options: () => roomsOptions(options, env),
      load: async () => (await import("../commands/lists/run_lists.ts")).runRooms,
      exitCodeOf: scriptExitCode,
    }),
  ];
}
