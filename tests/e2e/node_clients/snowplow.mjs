// A visit, as a server would tell it with the real tracker: node snowplow.mjs ADDRESS WRITE_KEY post|get
// A further word, `patient`, has it flush until everything is delivered: a failed event is sent again with the next.
import {
  buildPageView,
  buildSelfDescribingEvent,
  buildStructEvent,
  newTracker,
} from "@snowplow/node-tracker";

const [endpoint, appId, eventMethod, manner] = process.argv.slice(2);
const failures = [];
let delivered = 0;
const tracker = newTracker(
  { namespace: "node", appId, encodeBase64: eventMethod === "get" },
  {
    endpoint,
    eventMethod,
    bufferSize: eventMethod === "post" ? 10 : 1,
    onRequestSuccess: (events) => (delivered += events.length),
    onRequestFailure: (failure) => failures.push(failure.message ?? failure.status),
  },
);
tracker.setUserId("u-node");
tracker.setDomainUserId("d-node");
tracker.setLang("da-DK");

const place = { schema: "iglu:com.acme/place/jsonschema/1-0-0", data: { name: "Århus" } };
tracker.track(
  buildPageView({ pageUrl: "https://shop.example/pricing?gclid=G1", pageTitle: "Pricing" }),
  [place],
);
tracker.track(buildStructEvent({ category: "demo", action: "requested", label: "starter", value: 3 }));
const selfDescribing = (name, data) =>
  buildSelfDescribingEvent({ event: { schema: `iglu:com.acme/${name}/jsonschema/1-0-0`, data } });
tracker.track(selfDescribing("order_completed", { revenue: 129.5, currency: "EUR", order_id: "9" }));
tracker.track(selfDescribing("form_submit", { email: "node@example.com" }));

await tracker.flush();
while (manner && delivered < 4) {
  await new Promise((passed) => setTimeout(passed, 200));
  await tracker.flush();
}
if (failures.length && !manner) console.error(failures);
process.exit(failures.length && !manner ? 1 : 0);
