/** The environment variables that describe a message to the command of a bot; docs/scripts.md explains them. */
export const commandVariables = [
  "CHATD_ME",
  "CHATD_SENDER",
  "CHATD_CONVERSATION",
  "CHATD_ADDRESS",
  "CHATD_SEQ",
  "CHATD_POSITION",
  "CHATD_ID",
  "CHATD_ACCEPTED_AT",
  "CHATD_REPLY_TO",
  "CHATD_FILE_NAME",
  "CHATD_FILE_SIZE",
] as const;
