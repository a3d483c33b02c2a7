const encoder = new TextEncoder();
/** Bytes of a field beside its text: its tag and its length. */
const fieldBytes = 4;

/**
 * Returns the items at the start of a page whose texts have at most `maxBytes` in a frame, and the first in any case.
 */
export function fittingTexts<Item>(
  items: readonly Item[],
  textsOf: (item: Item) => readonly string[],
  { maxBytes }: { maxBytes: number },
): Item[] {
  let left = maxBytes;
  const count = items.findIndex((item, index) => {
    for (const text of textsOf(item)) if (text !== "") left -= fieldBytes + encoder.encode(text).length;
    return left < 0 && index > 0;
  });
  return items.slice(0, count < 0 ? items.length : count);
}
