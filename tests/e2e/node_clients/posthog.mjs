// A week of one customer, as a server would send it with the real client: node posthog.mjs ADDRESS WRITE_KEY
import { PostHog } from "posthog-node";

const [host, writeKey] = process.argv.slice(2);
const posthog = new PostHog(writeKey, { host, flushAt: 100, flushInterval: 60_000, fetchRetryCount: 5 });
let failed = false;
posthog.on("error", (error) => {
  failed = true;
  console.error(error);
});

posthog.capture({
  distinctId: "a-node",
  event: "$pageview",
  properties: { $process_person_profile: false, $current_url: "https://shop.example/pricing" },
});
posthog.capture({ distinctId: "u-node", event: "$screen", properties: { $screen_name: "Home" } });
posthog.identify({
  distinctId: "u-node",
  properties: { $anon_distinct_id: "a-node", $set: { email: "node@example.com", name: "Jane" } },
});
posthog.capture({ distinctId: "u-node", event: "Demo Requested", properties: { product: "starter" } });
posthog.capture({
  distinctId: "u-node",
  event: "Order Completed",
  timestamp: new Date("2026-03-01T12:00:00Z"),
  properties: { order_id: "9", revenue: 129.5, currency: "EUR" },
});
posthog.groupIdentify({ groupType: "company", groupKey: "acme", properties: { plan: "team" }, distinctId: "u-node" });
posthog.alias({ distinctId: "u-node", alias: "u-node-2" });

await posthog.shutdown(20_000);
process.exit(failed ? 1 : 0);
