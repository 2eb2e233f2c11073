// The funnel drawn by plotly: one trace per channel, stacked and centred, or one channel alone.
/* global Plotly */

import { colourOf } from "/dashboard/palette.js";
import { count, share, word } from "/dashboard/format.js";

const NARROW = 480; // pixels
const settings = { displayModeBar: false, scrollZoom: false, doubleClick: false };

// Plotly's own `responsive` looks when the window changes, which may be before the element has its new height.
const resized = new ResizeObserver(([{ target, contentRect }]) => contentRect.height && Plotly.Plots.resize(target));

const property = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Draw `funnel` for the chosen channel (null: all). `choose(group, step)` is called when a bar is clicked. */
export async function draw(element, funnel, channel, choose) {
  const groups = channel ? funnel.groups.filter((group) => group.channel === channel) : funnel.groups;
  const edge = element.clientWidth < NARROW ? 0.5 : 1.5;
  const traces = groups.map((group) => trace(group, Boolean(channel), edge));
  await Plotly.react(element, traces, layout(element, groups), settings);
  resized.observe(element);
  element.removeAllListeners("plotly_click");
  element.on("plotly_click", ({ points }) => choose(groups[points[0].curveNumber], points[0].pointNumber));
}

/** A stack does not say how high it is, so its total stands beside it. */
function total(groups, index) {
  const sum = groups.reduce((entered, group) => entered + group.cells[index].entered, 0);
  return {
    x: sum / 2,
    y: word(groups[0].cells[index].step),
    text: count(sum),
    xanchor: "left",
    xshift: 8,
    showarrow: false,
    font: { size: 14, weight: 600, color: property("--text") },
  };
}

function trace(group, alone, edge) {
  const colour = colourOf(group.channel);
  return {
    type: "funnel",
    orientation: "h",
    name: word(group.channel),
    y: group.cells.map((cell) => word(cell.step)),
    x: group.cells.map((cell) => cell.entered),
    text: group.cells.map((cell) =>
      cell.fromFirst.value === null ? count(cell.entered) : `${count(cell.entered)} · ${share(cell.fromFirst.value)}`,
    ),
    textinfo: alone ? "text" : "none",
    textposition: "auto",
    customdata: group.cells.map((cell) => [share(cell.fromPrevious.value), share(cell.fromFirst.value)]),
    hovertemplate:
      "%{fullData.name}, %{y}: %{x:,} leads<br>%{customdata[0]} of the step before<br>%{customdata[1]} of the first step<extra></extra>",
    marker: { color: colour, line: { color: property("--card"), width: edge } },
    connector: { fillcolor: `${colour}2e`, line: { width: 0 } },
  };
}

function layout(element, groups) {
  const narrow = element.clientWidth < NARROW;
  return {
    funnelmode: "stack",
    funnelgap: 0.28,
    height: Math.max(360, element.clientHeight),
    margin: { l: 8, r: 48, t: 4, b: 4 },
    showlegend: false,
    dragmode: false,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: property("--font"), size: 13, color: property("--text") },
    hoverlabel: {
      bgcolor: property("--text"),
      bordercolor: property("--text"),
      font: { family: property("--font"), size: 13, color: property("--card") },
    },
    xaxis: { visible: false, fixedrange: true },
    yaxis: {
      automargin: true,
      fixedrange: true,
      showgrid: false,
      zeroline: false,
      ticks: "",
      ticklabelstandoff: narrow ? 4 : 12,
      tickfont: { size: narrow ? 12 : 14, weight: 600 },
    },
    annotations: groups.length > 1 ? groups[0].cells.map((_, index) => total(groups, index)) : [],
  };
}
