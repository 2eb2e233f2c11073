// What the verifiers of others say of signed requests: node verifiers.mjs, a JSON document on standard input.
import { EventWebhook } from "@sendgrid/eventwebhook";
import https from "node:https";
import { createRequire } from "node:module";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";

const MessageValidator = createRequire(import.meta.url)("sns-validator");
const { sendgrid, sns } = JSON.parse(await text(process.stdin));

const webhook = new EventWebhook();
const key = webhook.convertPublicKeyToECDSA(sendgrid.key);
const ofSendgrid = sendgrid.requests.map(({ body, signature, timestamp }) =>
  webhook.verifySignature(key, body, signature, timestamp),
);

// The certificate stands where nothing can be reached from a test.
https.get = (_address, told) => {
  const answer = Object.assign(new PassThrough(), { statusCode: 200 });
  told(answer);
  answer.end(sns.certificate);
  return answer;
};
const ofSns = await Promise.all(
  sns.messages.map((message) => new Promise((told) => new MessageValidator().validate(message, (error) => told(!error)))),
);
console.log(JSON.stringify({ sendgrid: ofSendgrid, sns: ofSns }));
