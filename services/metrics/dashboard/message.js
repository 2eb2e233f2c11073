// What the page says when it has no numbers to show: always with what to do next.

import { make } from "/dashboard/dom.js";

const EXAMPLE = `curl ${location.protocol}//${location.hostname}:7101/v1/touchpoints \\
  -H 'Authorization: Bearer WRITE_KEY' -H 'Content-Type: application/json' \\
  -d '{"kind":"demo_requested","channel":"web","identity":{"email":"ada@example.com"}}'`;

/** Nothing was counted in the period: how to see something. */
export function invitation() {
  const ways = [
    "Choose a longer period, load the demo month with ",
    make("code", {}, "tragt demo"),
    ", or send a first touchpoint; it appears here by itself:",
  ];
  return [make("h2", {}, "No leads in this period yet"), make("p", {}, ...ways), make("pre", {}, EXAMPLE)];
}

/** The service refused or did not answer; `again` tries once more. */
export function explanation(problem, again) {
  if (problem.signedOut) {
    const ways = ["Open the sign-in link that tragt up printed. A link works once; a new one: "];
    return [make("h2", {}, "Please sign in"), make("p", {}, ...ways, make("code", {}, "tragt status"))];
  }
  return [
    make("h2", {}, "The numbers could not be read"),
    make("p", {}, problem.message),
    make("button", { type: "button", click: again }, "Try again"),
  ];
}
