// A week of one customer, as a server would send it with Segment's client of old: node segment-of-2022.mjs ADDRESS KEY
import { createRequire } from "node:module";

const Analytics = createRequire(import.meta.url)("analytics-node");

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics(writeKey, { host, flushAt: 20, flushInterval: 60_000 });
// The first call is sent at once, alone: a flush at the end knows nothing of it.
let waiting = 7;
let failed = false;
const told = (error) => {
  waiting -= 1;
  if (error) {
    failed = true;
    console.error(error.message);
  }
};

analytics.page({ anonymousId: "a-legacy", name: "Pricing", properties: { url: "https://shop.example/pricing" } }, told);
analytics.identify({
  userId: "u-legacy",
  anonymousId: "a-legacy",
  traits: { email: "legacy@example.com", name: "Jane", since: new Date("2026-01-01T00:00:00Z") },
}, told);
analytics.track({ userId: "u-legacy", event: "Demo Requested", properties: { product: "starter" } }, told);
analytics.track({
  userId: "u-legacy",
  event: "Order Completed",
  timestamp: new Date("2026-03-01T12:00:00Z"),
  properties: { orderId: "9", revenue: 129.5, currency: "EUR" },
}, told);
analytics.group({ userId: "u-legacy", groupId: "acme", traits: { plan: "team" } }, told);
analytics.alias({ userId: "u-legacy-2", previousId: "u-legacy" }, told);
analytics.screen({ userId: "u-legacy", name: "Home" }, told);

analytics.flush();
for (let left = 1_200; waiting && left; left -= 1) await new Promise((passed) => setTimeout(passed, 50));
process.exit(failed || waiting ? 1 : 0);
