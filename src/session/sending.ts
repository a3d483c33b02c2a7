import type { CheckedDraft } from "../core/messages/posting.ts";
import type { SendRequest, SendResponse } from "../gen/chatd/v1/chat.ts";
import { toSendResponse } from "../wire/convert.ts";
import type { RequestContext } from "./request_types.ts";

/** A message that was checked, and is not in its log yet. */
export interface CheckedMessage {
  /** Puts the message into its log, behind all that were submitted before. @throws {ChatError} as {@link Posting.submit} */
  submit(): Promise<SendResponse>;
}

/**
 * Checks a message that a user sends. Returns at once where nothing has to be read for that.
 * @throws {ChatError} as {@link Posting.check}
 */
export function checkMessage(
  { chat, identity, subscriber }: RequestContext,
  request: SendRequest,
): CheckedMessage | Promise<CheckedMessage> {
  const checked = (draft: CheckedDraft): CheckedMessage => ({
    submit: async () => toSendResponse(await chat.posting.submit(draft, subscriber)),
  });
  const draft = chat.posting.check(identity.user, request);
  return draft instanceof Promise ? draft.then(checked) : checked(draft);
}
