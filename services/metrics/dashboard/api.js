// Asking the metrics service, and turning its answers into what the page draws. The only module that knows their shape.

const DAY = 86400000;

/** The service refused or did not answer; `message` says what to do next. */
export class Problem extends Error {
  constructor(message, status) {
    super(message);
    this.signedOut = status === 401;
  }
}

/** The question behind the page: the last `days` days, today included, by channel of the first touch. */
export function question({ days, basis }) {
  const from = new Date(Date.now() - (days - 1) * DAY).toISOString().slice(0, 10);
  return { from, query: new URLSearchParams({ from, by: "channel", basis }) };
}

/** Ask once. Raises Problem. */
export async function fetchFunnel(asked) {
  return { asked: asked.from, ...funnel(await read(`/v1/funnel?${asked.query}`)) };
}

/**
 * Hear by Server-Sent Events that a count of the question has changed: `changed()`, also once on every connection.
 * The browser reconnects by itself; `state("live" | "away" | "closed")` says how it stands; closed is for good
 * (signed out). Returns a function that ends it.
 */
export function follow(asked, changed, state) {
  const source = new EventSource(`/v1/stream?${asked.query}`);
  source.addEventListener("open", () => state("live"));
  source.addEventListener("error", () => state(source.readyState === EventSource.CLOSED ? "closed" : "away"));
  source.addEventListener("totals", changed);
  return () => source.close();
}

function funnel({ from, to, groups: given, steps, meta }) {
  const rows = given.map((group) => ({
    channel: group.rest.length ? "other" : (group.key.channel ?? "none"),
    cells: cells(group.steps),
  }));
  const groups = rows
    .filter((row) => row.cells[0].entered > 0)
    .sort((one, two) => two.cells[0].entered - one.cells[0].entered);
  return withoutEmptyStep({
    from,
    to,
    total: cells(steps),
    groups,
    lagSeconds: meta.lag_seconds,
    lateCount: meta.late_count,
    staleLeads: meta.stale_leads,
    modelVersion: meta.model_version,
    timeZone: meta.time_zone,
    definition: meta.definition,
  });
}

function cells(steps) {
  return steps.map((step, index) => ({
    step: step.step,
    entered: step.entered,
    fromFirst: step.rate_from_first ?? unknown,
    fromPrevious: step.rate_from_previous ?? unknown,
    median: step.seconds_from_previous?.median ?? null,
    p90: step.seconds_from_previous?.p90 ?? null,
    lost: index ? Object.values(steps[index - 1].left ?? {}).reduce((sum, count) => sum + count, 0) : null,
    waiting: index ? steps[index - 1].still_open : null,
    leads: step.leads,
  }));
}

const unknown = { value: null, interval: null };

/**
 * Sales accept leads by decisions. While nobody decides, everyone passes through that step at once and it says nothing,
 * so it is not drawn and the step after it is measured from the step before it.
 */
function withoutEmptyStep(answer) {
  const at = answer.total.findIndex((cell) => cell.step === "sal");
  if (at < 1 || answer.total[at].entered !== answer.total[at + 1].entered) return answer;
  const skip = (row) => {
    const { fromPrevious, median, p90, lost, waiting } = row[at];
    return row.toSpliced(at, 2, { ...row[at + 1], fromPrevious, median, p90, lost, waiting });
  };
  return {
    ...answer,
    total: skip(answer.total),
    groups: answer.groups.map((group) => ({ ...group, cells: skip(group.cells) })),
  };
}

/** One page of the leads that entered `step`; `next` is the address of the next page or null. Raises Problem. */
export async function fetchLeads(address, step) {
  const answer = await read(address);
  const next = answer.next ? withParameter(address, "after", answer.next) : null;
  return { leads: answer.data.map((row) => lead(row, step)), count: answer.count, next };
}

function withParameter(address, name, value) {
  const url = new URL(address, location.origin);
  url.searchParams.set(name, value);
  return url.pathname + url.search;
}

function lead(row, step) {
  const known = row.lead ?? {};
  const { first_name: first, last_name: last, company, email } = known.traits ?? {};
  const name = [first, last].filter(Boolean).join(" ");
  return {
    id: row.lead_id,
    name: name || email || `Lead ${row.lead_id.slice(0, 8)}`,
    detail: [name ? email : null, company].filter(Boolean).join(" · "),
    status: known.status ?? row.exit ?? row.status,
    stage: known.stage,
    engagement: known.score?.engagement,
    fit: known.score?.fit,
    reached: row.steps[step] ?? row.entered_at,
    lastTouch: known.last_touch ? { kind: known.last_touch.kind, at: known.last_touch.occurred_at } : null,
  };
}

async function read(address) {
  let response;
  try {
    response = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  } catch {
    throw new Problem("The metrics service does not answer. Is tragt running? tragt doctor says what is wrong.", 0);
  }
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Problem(problem.detail ?? `The metrics service answered ${response.status}.`, response.status);
}
