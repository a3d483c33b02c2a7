/** Whether a line is a command. "//x" is the message "/x". */
export function isCommandLine(line: string): boolean {
  return line.startsWith("/") && !line.startsWith("//");
}
