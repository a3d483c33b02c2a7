/** "14:05", in the time zone of this machine. */
export function clock(time: number): string {
  const at = new Date(time);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** "2025-03-01", in the time zone of this machine. */
export function date(time: number): string {
  const at = new Date(time);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** "2025-03-01T14:05:09+01:00", in the time zone of this machine, with its offset from UTC at that time. */
export function timestamp(time: number): string {
  const at = new Date(time);
  const offset = -at.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.trunc(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${date(time)}T${clock(time)}:${two(at.getSeconds())}${zone}`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
