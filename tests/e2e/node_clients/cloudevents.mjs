// Events by the real library, in each of its ways: node cloudevents.mjs ADDRESS KEY
import { CloudEvent, emitterFor, HTTP, Mode } from "cloudevents";

const [address, key] = process.argv.slice(2);
const statuses = [];
const transport = async ({ headers, body }) => {
  const answer = await fetch(`${address}/v1/events`, {
    method: "POST",
    headers: { ...headers, authorization: `Bearer ${key}` },
    body,
  });
  statuses.push(answer.status);
};
const event = (name, more) =>
  new CloudEvent({
    id: name,
    source: "/node",
    type: `com.acme.${name}`,
    time: "2026-03-01T12:00:00Z",
    data: { user_id: "u-node", email: "node@example.com" },
    ...more,
  });

await emitterFor(transport, { binding: HTTP, mode: Mode.BINARY })(event("seen_in_binary"));
await emitterFor(transport, { binding: HTTP, mode: Mode.STRUCTURED })(event("seen_in_structure", { subject: "u 1 €" }));
await transport({
  headers: { "content-type": "application/cloudevents-batch+json" },
  body: JSON.stringify([event("seen_in_batch").toJSON()]),
});

const good = statuses.every((status) => status === 200) && statuses.length === 3;
if (!good) console.error(statuses);
process.exit(good ? 0 : 1);
