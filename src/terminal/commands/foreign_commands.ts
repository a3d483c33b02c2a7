/** The names that other chat programs have for commands, and by which these are known here too. */
export const aliases: Readonly<Record<string, string>> = {
  afk: "away",
  bye: "quit",
  cls: "clear",
  dm: "msg",
  exit: "quit",
  find: "search",
  goto: "jump",
  h: "help",
  ignore: "block",
  j: "join",
  kick: "remove",
  list: "rooms",
  m: "msg",
  names: "who",
  part: "leave",
  q: "quit",
  query: "to",
  tell: "msg",
  unignore: "unblock",
  w: "msg",
  whisper: "msg",
};

const roles = "/role NAME moderator makes a member a moderator, and /role NAME member takes that back.";
const quiet =
  "/set level #ROOM none keeps a room from counting and ringing, and /block NAME hides a user's messages. " +
  "To silence a member for all, /remove or /ban them.";
const statuses = "/set status TEXT sets the status that others see beside your name, and /set status - removes it.";

/** Commands of other chat programs that do not exist here, with those that do the same. */
export const hints: Readonly<Record<string, string>> = {
  connect:
    "Enter in an empty line connects again at once. For another server, /quit, and start chatd with its address.",
  deop: roles,
  disconnect: "/quit ends the session, and /logout also forgets this device.",
  dnd: "/away shows you as away, and /set notify off stops notifications of the desktop.",
  mode: "/room changes settings of a room, and /role the role of a member.",
  mute: quiet,
  nick: "Your account name cannot be changed. /set name TEXT sets a display name, which others see beside it.",
  op: roles,
  rename: "/room name NAME renames a room.",
  shrug: "Type :shrug: and Tab for 🤷.",
  status: statuses,
  unmute: quiet,
  whois: "/users lists all users with their display names and status texts, and says who is online.",
};
