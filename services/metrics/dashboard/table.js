// Channel by channel in numbers: the picture's equal for keyboards, screen readers and the curious.

import { make, redraw, styled } from "/dashboard/dom.js";
import { colourOf } from "/dashboard/palette.js";
import { count, share, word } from "/dashboard/format.js";

/** Fill `table`; `choose(group or null, step index)` opens the leads behind a number. */
export function drawTable(table, funnel, choose) {
  const head = make(
    "thead",
    {},
    make(
      "tr",
      {},
      make("th", { scope: "col" }, "Channel"),
      ...funnel.total.map((cell) => make("th", { scope: "col" }, word(cell.step))),
    ),
  );
  const rows = funnel.groups.map((group) =>
    row(word(group.channel), colourOf(group.channel), group.cells, funnel.total, (step) => choose(group, step)),
  );
  const total = row("All channels", null, funnel.total, funnel.total, (step) => choose(null, step));
  redraw(table, head, make("tbody", {}, ...rows), make("tfoot", {}, total));
}

function row(name, colour, cells, total, choose) {
  const title = make(
    "th",
    { scope: "row" },
    colour ? styled(make("span", { class: "swatch" }), { "--colour": colour }) : null,
    name,
  );
  return make("tr", {}, title, ...cells.map((cell, index) => figure(name, cell, total[index], index, choose)));
}

function figure(name, cell, whole, index, choose) {
  const { value: rate, interval } = cell.fromPrevious;
  const side = index === 0 || !interval ? "" : compare(interval, whole.fromPrevious.value);
  const button = make(
    "button",
    {
      type: "button",
      "data-key": `${name} ${cell.step}`,
      disabled: cell.entered === 0,
      click: () => choose(index),
      "aria-label": `${name}, ${word(cell.step)}: ${count(cell.entered)} leads, show them`,
    },
    count(cell.entered),
  );
  return make("td", { class: side }, button, index ? make("small", {}, share(rate)) : null);
}

/** Only a difference beyond chance gets a colour: the whole's rate lies outside the channel's own interval. */
function compare([low, high], rate) {
  if (low > rate) return "above";
  return high < rate ? "below" : "";
}
