// The leads behind a number, in a dialog at the side: who they are, where they stand, what they did last.

import { fetchLeads, Problem } from "/dashboard/api.js";
import { find, focusOn, make } from "/dashboard/dom.js";
import { count, since, word } from "/dashboard/format.js";

/** Wire the dialog's own controls once. */
export function preparePanel() {
  const panel = find("panel");
  find("panel-close").addEventListener("click", () => panel.close());
  panel.addEventListener("close", () => {
    // The browser gives the focus back itself, unless the button has been drawn anew meanwhile.
    if (document.activeElement === document.body) focusOn(panel.dataset.opener);
  });
  panel.addEventListener("click", (event) => {
    if (event.target === panel) panel.close();
  });
}

/** Open the dialog for `cell` of the channel named `name`; the browser returns the focus when it closes. */
export async function openPanel(name, cell) {
  find("panel-title").textContent = `${word(cell.step)} · ${name}`;
  find("panel-hint").textContent = "";
  find("panel-body").replaceChildren(make("p", { class: "hint" }, "Loading the leads…"));
  find("panel").dataset.opener = document.activeElement?.dataset.key ?? "";
  find("panel").showModal();
  const list = make("ul", { class: "leads" });
  await more(cell.leads, cell.step, list);
}

async function more(address, step, list) {
  const body = find("panel-body");
  try {
    const { leads, count: found, next } = await fetchLeads(address, step);
    find("panel-hint").textContent =
      found === 1 ? "1 lead reached this step" : `${count(found)} leads reached this step`;
    list.append(...leads.map(item));
    const button = next
      ? make("button", { type: "button", class: "wide", click: () => more(next, step, list) }, "Show more")
      : null;
    body.replaceChildren(list, ...(button ? [button] : []));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    body.replaceChildren(
      list,
      make("p", { class: "message", role: "alert" }, error.message),
      make("button", { type: "button", class: "wide", click: () => more(address, step, list) }, "Try again"),
    );
  }
}

function item(lead) {
  return make(
    "li",
    { "data-lead": lead.id },
    make(
      "div",
      { class: "who" },
      make("strong", {}, lead.name),
      make("span", { class: "hint" }, lead.detail),
      make("span", { class: "hint" }, lastTouch(lead)),
    ),
    make("span", { class: `status ${lead.status}` }, word(lead.status)),
    make(
      "dl",
      {},
      make("dt", {}, "Stage"),
      make("dd", {}, word(lead.stage)),
      make("dt", {}, "Engagement"),
      make("dd", {}, meter(lead.engagement)),
      make("dt", {}, "Fit"),
      make("dd", {}, meter(lead.fit)),
    ),
  );
}

function lastTouch(lead) {
  return lead.lastTouch
    ? `${word(lead.lastTouch.kind)}, ${since(lead.lastTouch.at, Date.now())}`
    : `Reached this step ${since(lead.reached, Date.now())}`;
}

function meter(value) {
  if (value === null || value === undefined) return "–";
  return make(
    "span",
    { class: "meter" },
    make("meter", { min: 0, max: 100, value: value.toFixed(1), "aria-label": `${Math.round(value)} of 100` }),
    String(Math.round(value)),
  );
}
