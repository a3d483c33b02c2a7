/** "1.2 MiB" */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  if (power === 0) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}
