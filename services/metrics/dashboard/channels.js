// The list of channels that is legend and selector in one: a radio group, so that arrow keys and screen readers know it.

import { make, redraw, styled } from "/dashboard/dom.js";
import { all, colourOf } from "/dashboard/palette.js";
import { count, share, word } from "/dashboard/format.js";

/** Show "all" and every channel with its entries and its way to the last step; `choose(channel or null)` selects. */
export function drawChannels(element, funnel, chosen, choose) {
  const largest = Math.max(...funnel.groups.map((group) => group.cells[0].entered), 1);
  const rows = [
    row(null, "All channels", all, funnel.total, 0, chosen, choose),
    ...funnel.groups.map((group) =>
      row(
        group.channel,
        word(group.channel),
        colourOf(group.channel),
        group.cells,
        group.cells[0].entered / largest,
        chosen,
        choose,
      ),
    ),
  ];
  redraw(element, ...rows);
}

function row(channel, name, colour, cells, size, chosen, choose) {
  const last = cells.at(-1);
  const input = make("input", {
    type: "radio",
    name: "channel",
    "data-key": `channel ${channel ?? ""}`,
    value: channel ?? "",
    checked: channel === chosen,
    change: () => choose(channel),
  });
  const label = make(
    "label",
    { class: "channel" },
    input,
    make("span", { class: "swatch" }),
    make("span", { class: "name" }, name),
    make("span", { class: "figure" }, count(cells[0].entered)),
    make(
      "span",
      { class: "figure rate", title: `${word(cells[0].step)} to ${word(last.step)}` },
      share(last.fromFirst.value),
    ),
  );
  return styled(label, { "--colour": colour, "--size": size });
}
