/** A key or several, and their effect, for the list of `/help`. */
export type KeyHelp = readonly [keys: string, effect: string];

/** Keys that edit the input line, the same in every terminal whose cursor can be moved. */
export const editingKeys: readonly KeyHelp[] = [
  ["Alt-Enter, \\ at the end", "Begin a new line; pasted lines are one message too"],
  ["↑, ↓", "Move in the text; from its first and last row, recall lines of this conversation"],
  ["↑ in an empty line", "Edit your last message"],
  ["Ctrl-R", "Search the lines that you sent in this conversation"],
  ["Ctrl-C", "Clear the draft, which ↑ brings back; twice: quit"],
  ["Tab", "Complete a command, a name, a room, a day, :emoji, or the path of a file"],
  ["Ctrl-A, Ctrl-E", "Start and end of the line; Alt-B and Alt-F: a word back, a word forward"],
  ["Ctrl-U, Ctrl-K, Ctrl-W", "Cut before the cursor, after it, a word; Ctrl-Y: paste; Ctrl-_: undo"],
];
