// A week of one customer, as a server would send it with the real client: node segment.mjs ADDRESS WRITE_KEY
import { Analytics } from "@segment/analytics-node";

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host, path: "/v1/batch", flushAt: 20, maxRetries: 5 });
let failed = false;
analytics.on("error", (error) => {
  failed = true;
  console.error(error);
});
analytics.on("http_request", () => console.log("request"));

analytics.page({ anonymousId: "a-node", name: "Pricing", properties: { url: "https://shop.example/pricing" } });
analytics.identify({
  userId: "u-node",
  anonymousId: "a-node",
  traits: { email: "node@example.com", name: "Jane", since: new Date("2026-01-01T00:00:00Z") },
});
analytics.track({ userId: "u-node", event: "Demo Requested", properties: { product: "starter" } });
analytics.track({
  userId: "u-node",
  event: "Order Completed",
  timestamp: new Date("2026-03-01T12:00:00Z"),
  properties: { orderId: "9", revenue: 129.5, currency: "EUR" },
});
analytics.group({ userId: "u-node", groupId: "acme", traits: { plan: "team" } });
analytics.alias({ userId: "u-node-2", previousId: "u-node" });
analytics.screen({ userId: "u-node", name: "Home" });

await analytics.closeAndFlush({ timeout: 20_000 });
process.exit(failed ? 1 : 0);
