/** `4:12`, `1:02:03`; whole seconds. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = String(seconds % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** `3:27.4`: a place on a time axis. */
export function place(milliseconds: number): string {
  const tenths = Math.max(0, Math.round(milliseconds / 100));
  return `${duration(Math.floor(tenths / 10) * 1000)}.${tenths % 10}`;
}

/** `0.300 s`: the length of a gap. */
export const exactSeconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(3)} s`;

/** `0.30 s`, or `0`: how much was lost. */
export const lost = (milliseconds: number): string => (milliseconds === 0 ? '0' : `${(milliseconds / 1000).toFixed(2)} s`);

/** `3 minutes 27.4 seconds`: for those who hear it. */
export function spoken(milliseconds: number): string {
  const tenths = Math.max(0, Math.round(milliseconds / 100));
  const minutes = Math.floor(tenths / 600);
  const seconds = (tenths % 600) / 10;
  const words = `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
  return minutes === 0 ? words : `${minutes} ${minutes === 1 ? 'minute' : 'minutes'} ${words}`;
}

/** `8 h`, `45 min`: about how long a session lasts still. */
export function about(milliseconds: number): string {
  const minutes = Math.max(0, Math.round(milliseconds / 60_000));
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** `24 hours`, `7 days`, or the guide's words for 0. */
export function retention(hours: number): string {
  if (hours === 0) return 'No data retention';
  if (hours % 24 === 0 && hours > 24) return `${hours / 24} days`;
  return `${hours} ${hours === 1 ? 'hour' : 'hours'}`;
}
