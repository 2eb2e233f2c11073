// The row of steps above the picture: how many, which share of the step before (with its interval), how long it took.

import { make, redraw, styled } from "/dashboard/dom.js";
import { count, duration, interval, share, word } from "/dashboard/format.js";

/**
 * Show the cells of what is named by `view` (channel, period); `choose(step index)` opens the leads of a step.
 * A number that has moved since the same view was drawn lights up.
 */
export function drawSteps(element, view, cells, choose) {
  const same = element.dataset.view === view;
  element.dataset.view = view;
  const before = new Map(same ? [...element.children].map((item) => [item.dataset.step, item.dataset.entered]) : []);
  redraw(element, ...cells.map((cell, index) => step(cell, index, cells, before.get(cell.step), choose)));
}

function step(cell, index, cells, entered, choose) {
  const previous = cells[index - 1];
  const button = make(
    "button",
    {
      type: "button",
      class: "number",
      "data-key": `step ${cell.step}`,
      click: () => choose(index),
      "aria-label": `${word(cell.step)}: ${count(cell.entered)} leads, show them`,
    },
    count(cell.entered),
  );
  const item = make(
    "li",
    { class: "step", "data-step": cell.step, "data-entered": cell.entered },
    make("h3", {}, word(cell.step)),
    button,
    previous ? conversion(cell, previous) : make("p", { class: "hint" }, "entered the funnel"),
    previous ? times(cell) : null,
  );
  if (entered !== undefined && Number(entered) !== cell.entered) item.classList.add("moved");
  return item;
}

function conversion(cell, previous) {
  const { value, interval: bounds } = cell.fromPrevious;
  const whisker = bounds
    ? styled(
        make(
          "span",
          {
            class: "whisker",
            role: "img",
            "aria-label": `95 % interval ${interval(bounds)}`,
            title: `95 % interval ${interval(bounds)}`,
          },
          make("i"),
          make("b"),
        ),
        {
          "--low": bounds[0],
          "--high": bounds[1],
          "--value": value,
        },
      )
    : null;
  return make(
    "div",
    { class: "conversion" },
    make("p", {}, make("strong", {}, share(value)), ` of ${word(previous.step)}`),
    whisker,
    // Moves of a period are not out of a number of leads, so they have a ratio and no interval.
    value !== null && !bounds ? null : make("p", { class: "hint" }, bounds ? interval(bounds) : "no leads yet"),
  );
}

function times(cell) {
  return make(
    "dl",
    {},
    make("dt", {}, "Median time"),
    make("dd", { title: `90 % within ${duration(cell.p90)}` }, duration(cell.median)),
    make("dt", {}, "Left before"),
    make("dd", {}, cell.lost === null ? "–" : count(cell.lost)),
    make("dt", {}, "Still open"),
    make("dd", {}, cell.waiting === null ? "–" : count(cell.waiting)),
  );
}
