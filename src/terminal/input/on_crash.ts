const crashes = ["error", "unhandledrejection", "unload"];

/** Calls a function, which must not wait, when this process ends by a bug. @returns a function that removes it */
export function onCrash(restore: () => void): () => void {
  for (const event of crashes) addEventListener(event, restore);
  return () => crashes.forEach((event) => removeEventListener(event, restore));
}
