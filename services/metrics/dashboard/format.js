// Numbers, shares, durations and instants as people read them. Pure: no page, no clock.

const whole = new Intl.NumberFormat("en-GB");
const percent = new Intl.NumberFormat("en-GB", {
  style: "percent",
  maximumFractionDigits: 1,
  minimumFractionDigits: 1,
});
const ago = new Intl.RelativeTimeFormat("en-GB", { numeric: "auto" });

export const count = (value) => whole.format(value);

export const share = (value) => (value === null || value === undefined ? "–" : percent.format(value));

/** "57.5–61.2 %" */
export function interval(bounds) {
  if (!bounds) return "";
  return `${(bounds[0] * 100).toFixed(1)}–${(bounds[1] * 100).toFixed(1)} %`;
}

/** Seconds as the two figures that matter: "45 s", "12 min", "3.4 h", "2.1 days". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return "at once";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86400).toFixed(1)} days`;
}

/** How long before `now` (milliseconds) an RFC 3339 instant was: "3 days ago". */
export function since(text, now) {
  const seconds = Math.round((Date.parse(text) - now) / 1000);
  const size = Math.abs(seconds);
  if (size < 60) return ago.format(seconds, "second");
  if (size < 3600) return ago.format(Math.round(seconds / 60), "minute");
  if (size < 86400) return ago.format(Math.round(seconds / 3600), "hour");
  return ago.format(Math.round(seconds / 86400), "day");
}

/** A half-open period of RFC 3339 instants as its days in a zone: "27 Oct – 25 Nov 2026". */
export function period(from, to, timeZone) {
  const day = { day: "numeric", month: "short", timeZone };
  const first = new Intl.DateTimeFormat("en-GB", day).format(new Date(from));
  const last = new Intl.DateTimeFormat("en-GB", { ...day, year: "numeric" }).format(new Date(Date.parse(to) - 1));
  return `${first} – ${last}`;
}

const names = { mql: "MQL", sal: "SAL", sql: "SQL", ads: "Ads", immersive: "AR / VR", none: "No channel known" };

/** A status, stage or channel as a word. */
export function word(name) {
  if (!name) return "–";
  return names[name] ?? name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");
}
