// The page: one state, one place that draws it.

import { fetchFunnel, follow, Problem, question } from "/dashboard/api.js";
import { drawChannels } from "/dashboard/channels.js";
import { draw } from "/dashboard/chart.js";
import { find, make } from "/dashboard/dom.js";
import { count, duration, period, word } from "/dashboard/format.js";
import { explanation, invitation } from "/dashboard/message.js";
import { openPanel, preparePanel } from "/dashboard/panel.js";
import { drawSteps } from "/dashboard/steps.js";
import { drawTable } from "/dashboard/table.js";

const QUIET_MILLISECONDS = 400;
const RETRY_MILLISECONDS = 3000;
const MINUTE_MILLISECONDS = 60000;
const NEWS_MILLISECONDS = 15000; // a screen reader hears of changes no more often

const state = {
  days: null,
  basis: null,
  channel: null,
  funnel: null,
  live: "connecting",
  signedOut: false,
  read: 0,
  told: 0,
  soon: null,
  leave: () => {},
};

async function load() {
  const reading = ++state.read;
  try {
    const funnel = await fetchFunnel(question(state));
    if (reading !== state.read) return; // a later choice is under way
    tell(state.funnel, funnel);
    state.funnel = funnel;
    state.signedOut = false;
    await show();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (reading === state.read) refuse(error);
  } finally {
    find("funnel").setAttribute("aria-busy", "false");
  }
}

/** Hear of changes of what is shown now. */
function listen() {
  state.leave();
  state.leave = follow(question(state), loadSoon, connection);
}

/** Many changes within a moment are one reading. */
function loadSoon() {
  state.soon ??= setTimeout(() => {
    state.soon = null;
    load();
  }, QUIET_MILLISECONDS);
}

function connection(live) {
  state.live = live === "closed" ? "away" : live;
  freshness();
  if (live === "closed") setTimeout(listen, RETRY_MILLISECONDS);
}

async function show() {
  const { funnel } = state;
  const empty = funnel.total[0].entered === 0;
  find("message").hidden = !empty;
  find("content").hidden = empty;
  find("subtitle").textContent =
    `${state.basis === "cohort" ? "Leads that entered" : "Moves made"} ${period(funnel.from, funnel.to, funnel.timeZone)}, by the channel of their first touch`;
  freshness();
  if (empty) return find("message").replaceChildren(...invitation());
  if (!funnel.groups.some((group) => group.channel === state.channel)) state.channel = null;
  const group = chosen();
  const name = group ? word(group.channel) : "All channels";
  find("plot-title").textContent = name;
  drawSteps(
    find("steps"),
    [state.channel, state.basis, state.days].join(),
    group ? group.cells : funnel.total,
    (step) => openPanel(name, (group ? group.cells : funnel.total)[step]),
  );
  drawChannels(find("channels"), funnel, state.channel, select);
  drawTable(find("table"), funnel, (row, step) =>
    openPanel(row ? word(row.channel) : "All channels", (row ? row.cells : funnel.total)[step]),
  );
  footer();
  await draw(find("plot"), funnel, state.channel, (row, step) => openPanel(word(row.channel), row.cells[step]));
}

/** What is shown stands in the address, so that a view can be kept and sent to others. */
function readAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const choice of find("controls").querySelectorAll("input")) {
    if (said.get(choice.name) === choice.value) choice.checked = true;
    if (choice.checked) state[choice.name] = choice.name === "days" ? Number(choice.value) : choice.value;
  }
  state.channel = said.get("channel");
}

function writeAddress() {
  const { days, basis, channel } = state;
  const said = new URLSearchParams({ days, basis, ...(channel ? { channel } : {}) });
  history.replaceState(null, "", `#${said}`);
}

const chosen = () => state.funnel.groups.find((group) => group.channel === state.channel);

async function select(channel) {
  state.channel = channel;
  writeAddress();
  await show();
}

function freshness() {
  const { lagSeconds, staleLeads } = state.funnel ?? {};
  const words = { connecting: "Connecting", away: "Connection lost, trying again", live: "Live" }[state.live];
  const lag = lagSeconds > 5 ? ` · ${duration(lagSeconds)} behind` : "";
  const stale = staleLeads ? ` · ${count(staleLeads)} leads being recounted` : "";
  find("dot").className = `dot ${state.live}`;
  const text = state.signedOut ? "Signed out" : state.live === "live" ? `${words}${lag}${stale}` : words;
  if (find("fresh-text").textContent !== text) find("fresh-text").textContent = text;
}

function footer() {
  const { funnel } = state;
  const late = funnel.lateCount
    ? `${count(funnel.lateCount)} changes became known more than an hour after they happened; they are counted where they belong. `
    : "";
  find("foot").replaceChildren(
    make(
      "p",
      {},
      `${funnel.definition ?? ""} Intervals are 95 % Wilson intervals. ${late}Model version ${funnel.modelVersion ?? "–"}, times in ${funnel.timeZone ?? "UTC"}.`,
    ),
  );
}

function tell(before, after) {
  if (!before || before.total.length !== after.total.length || Date.now() - state.told < NEWS_MILLISECONDS) return;
  const moved = after.total.filter((cell, index) => cell.entered !== before.total[index].entered);
  if (!moved.length) return;
  state.told = Date.now();
  find("news").textContent = moved.map((cell) => `${word(cell.step)} ${count(cell.entered)}`).join(", ");
}

function refuse(problem) {
  state.signedOut = problem.signedOut;
  find("message").hidden = false;
  find("content").hidden = problem.signedOut || !state.funnel;
  find("message").replaceChildren(...explanation(problem, load));
  freshness();
}

/** What the stream does not tell: times, who left, how fresh it is, and a new day. */
function refresh() {
  if (document.hidden || !state.funnel) return;
  if (question(state).from !== state.funnel.asked) listen();
  load();
}

function prepare() {
  preparePanel();
  find("controls").addEventListener("change", (event) => {
    if (event.target.name === "days") state.days = Number(event.target.value);
    if (event.target.name === "basis") state.basis = event.target.value;
    writeAddress();
    load();
    listen();
  });
  find("theme").addEventListener("click", async () => {
    const root = document.documentElement;
    const dark = getComputedStyle(root).getPropertyValue("--is-dark").trim() === "1";
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
    if (state.funnel) await show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => state.funnel && show());
  setInterval(refresh, MINUTE_MILLISECONDS);
}

prepare();
readAddress();
load();
listen();
