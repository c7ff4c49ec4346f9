/** Formats numbers and times for display. A number and its unit stay on one line. */

const NB = '\u00a0';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** 1234567 → "1,234,567". */
export function count(value: number): string {
  return whole.format(value);
}

/** 2.951923 → "2.95". */
export function rounded(value: number): string {
  return Math.abs(value) >= 1000 ? whole.format(value) : short.format(value);
}

/** "1 row", "2 rows". */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Bytes in powers of a thousand: 1536000 → "1.54 MB". */
export function bytes(value: number): string {
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(value) : short.format(value)}${NB}${units[unit]}`;
}

/** A duration in seconds: 75 → "1 min 15 s"; below one second: "less than 1 s". */
export function duration(seconds: number): string {
  if (seconds < 1) return `less than 1${NB}s`;
  const total = Math.round(seconds);
  if (total < 60) return `${total}${NB}s`;
  if (total < 3600) return `${Math.floor(total / 60)}${NB}min ${total % 60}${NB}s`;
  return `${Math.floor(total / 3600)}${NB}h ${Math.floor((total % 3600) / 60)}${NB}min`;
}
