// Asking the metrics service, and turning its answers into what the page draws. The only module that knows their shape.

const DAY = 86400000;

/** The service refused or did not answer; `message` says what to do next. */
export class Problem extends Error {
  constructor(message, status) {
    super(message);
    this.signedOut = status === 401;
  }
}

/** The funnel by channel of the last `days` whole days and today: total, groups (largest first), and how fresh it is. */
export async function fetchFunnel({ days, basis }) {
  const end = Math.floor(Date.now() / DAY) * DAY + DAY;
  const [from, to] = [end - days * DAY, end].map((instant) => new Date(instant).toISOString());
  const answer = await read(`/v1/funnel?${new URLSearchParams({ from, to, by: "channel", basis })}`);
  const groups = answer.groups.map((group) => ({ channel: group.key, cells: group.steps.map(cell) }));
  return {
    from,
    to,
    total: answer.steps.map(cell),
    groups: groups.filter((group) => group.cells[0].entered).sort((one, other) => other.cells[0].entered - one.cells[0].entered),
    lagSeconds: answer.meta.lag_seconds,
    lateCount: answer.meta.late_count,
    staleLeads: answer.meta.stale_leads,
    modelVersion: answer.meta.model_version,
    timeZone: answer.meta.time_zone,
    definition: answer.meta.definition,
  };
}

function cell(step) {
  return {
    step: step.step,
    entered: step.entered,
    open: step.open,
    fromFirst: step.rate_from_first,
    fromPrevious: step.rate_from_previous,
    median: step.seconds_from_previous?.median ?? null,
    p90: step.seconds_from_previous?.p90 ?? null,
    leads: step.leads,
  };
}

/** One page of the leads behind a number; `next` is the address of the next page or null. */
export async function fetchLeads(address) {
  const answer = await read(address);
  const next = answer.next ? withCursor(address, answer.next) : null;
  return { leads: answer.data.map(lead), next };
}

function withCursor(address, after) {
  const url = new URL(address, location.origin);
  url.searchParams.set("after", after);
  return url.pathname + url.search;
}

function lead(data) {
  return {
    id: data.lead_id,
    name: data.lead_id.slice(0, 8),
    detail: "",
    status: data.status,
    stage: data.stage,
    engagement: data.score?.engagement,
    fit: data.score?.fit,
    lastTouch: data.last_touch ? { kind: data.last_touch.kind, at: data.last_touch.occurred_at } : null,
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
