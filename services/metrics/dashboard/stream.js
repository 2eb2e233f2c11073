// Server-Sent Events: something counted has changed. The browser reconnects by itself; we only say so.

/** `changed()` on every change of totals, `state("live" | "away")` on the connection. Returns a function that ends it. */
export function listen(changed, state) {
  const source = new EventSource("/v1/stream");
  source.addEventListener("open", () => state("live"));
  source.addEventListener("error", () => state("away"));
  source.addEventListener("totals", changed);
  return () => source.close();
}
