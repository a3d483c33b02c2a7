import { ChatError } from "../core/chat_error.ts";
import type { DirectMessages, Settings } from "../core/people/settings_store.ts";
import {
  DirectMessages as WireDirectMessages,
  type Settings as WireSettings,
  type UpdateSettingsRequest,
} from "../gen/chatd/v1/settings.ts";

const wireDirectMessages: Readonly<Record<DirectMessages, WireDirectMessages>> = {
  anyone: WireDirectMessages.ANYONE,
  contacts: WireDirectMessages.CONTACTS,
  nobody: WireDirectMessages.NOBODY,
};

export function toWireSettings(settings: Settings): WireSettings {
  return { ...settings, directMessages: wireDirectMessages[settings.directMessages] };
}

/** Converts settings; a choice that this program does not know becomes the strictest one that it knows. */
export function fromWireSettings(settings: WireSettings): Settings {
  return { ...settings, directMessages: fromWireDirectMessages(settings.directMessages) ?? "nobody" };
}

/** Returns the settings that a request changes. @throws {ChatError} `invalid_argument` */
export function parseSettingsChange(request: UpdateSettingsRequest): Partial<Settings> {
  const { readReceipts, presence, displayName, status } = request;
  const directMessages = fromWireDirectMessages(request.directMessages);
  if (directMessages === undefined && request.directMessages !== WireDirectMessages.UNSPECIFIED) {
    throw new ChatError(
      "invalid_argument",
      "direct_messages must be DIRECT_MESSAGES_ANYONE, DIRECT_MESSAGES_CONTACTS or DIRECT_MESSAGES_NOBODY.",
    );
  }
  return {
    ...(readReceipts !== undefined && { readReceipts }),
    ...(presence !== undefined && { presence }),
    ...(directMessages !== undefined && { directMessages }),
    ...(displayName !== undefined && { displayName }),
    ...(status !== undefined && { status }),
  };
}

/** Makes a request that changes the given settings. */
export function toSettingsChange(change: Partial<Settings>): UpdateSettingsRequest {
  const { readReceipts, presence, directMessages, displayName, status } = change;
  return {
    readReceipts,
    presence,
    directMessages: directMessages === undefined ? WireDirectMessages.UNSPECIFIED : wireDirectMessages[directMessages],
    displayName,
    status,
  };
}

function fromWireDirectMessages(wire: WireDirectMessages): DirectMessages | undefined {
  return (Object.keys(wireDirectMessages) as DirectMessages[]).find((each) => wireDirectMessages[each] === wire);
}
