// A week of one customer, as a server would send it with the real client: node rudderstack.mjs ADDRESS WRITE_KEY
import { createRequire } from "node:module";

const RudderAnalytics = createRequire(import.meta.url)("@rudderstack/rudder-sdk-node");

const [dataPlaneUrl, writeKey] = process.argv.slice(2);
const analytics = new RudderAnalytics(writeKey, { dataPlaneUrl, flushAt: 20, flushInterval: 60_000, logLevel: "error" });

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

analytics.page({ anonymousId: "a-node", name: "Pricing", properties: { url: "https://shop.example/pricing" } }, told);
analytics.identify({
  userId: "u-node",
  anonymousId: "a-node",
  traits: { email: "node@example.com", name: "Jane", since: new Date("2026-01-01T00:00:00Z") },
}, told);
analytics.track({ userId: "u-node", event: "Demo Requested", properties: { product: "starter" } }, told);
analytics.track({
  userId: "u-node",
  event: "Order Completed",
  originalTimestamp: new Date("2026-03-01T12:00:00Z"),
  properties: { orderId: "9", revenue: 129.5, currency: "EUR" },
}, told);
analytics.group({ userId: "u-node", groupId: "acme", traits: { plan: "team" } }, told);
analytics.alias({ userId: "u-node-2", previousId: "u-node" }, told);
analytics.screen({ userId: "u-node", name: "Home" }, told);

analytics.flush();
for (let left = 1_200; waiting && left; left -= 1) await new Promise((passed) => setTimeout(passed, 50));
process.exit(failed || waiting ? 1 : 0);
