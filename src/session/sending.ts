import type { CheckedDraft } from "../core/messages/posting.ts";
import type { SendRequest, SendResponse } from "../gen/chatd/v1/chat.ts";
import { toSendResponse } from "../wire/convert.ts";
import type { RequestContext } from "./request_types.ts";

/** A checked message that is not in its log yet. */
export interface CheckedMessage {
  /**
   * Appends the message to its log, after all that were submitted before.
   * @throws {ChatError} as {@link Posting.submit}
   */
  submit(): Promise<SendResponse>;
}

/** Checks a user's message. Returns no promise where no read is needed. @throws {ChatError} as {@link Posting.check} */
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
