// amqplib against RabbitMQ: node amqp_talk.mjs MODULES PORT CA PASSWORD. Publications that wait for their
// confirms together, a consumer that acknowledges several at once, one that acknowledges nothing.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, port, ca, password] = process.argv.slice(2);
const amqp = createRequire(`${modules}/x.js`)("amqplib");
const connection = await amqp.connect(
	{ protocol: "amqps", hostname: "localhost", port: Number(port), username: "guest", password, vhost: "/" },
	{ ca: [readFileSync(ca)] });
const text = (n) => `<${n}:${"node ".repeat(n % 9)}>`;
const count = 30;

const out = await connection.createConfirmChannel();
await out.assertQueue("node", { durable: false });
for (let n = 0; n < count; n++)
	out.sendToQueue("node", Buffer.from(text(n)), { messageId: `n-${n}`, contentType: "text/plain" });
await out.waitForConfirms();

async function consume(options, settle) {
	const channel = await connection.createChannel();
	const got = [];
	await new Promise((done) => channel.consume("node", (message) => {
		got.push(message.content.toString());
		if (message.content.toString() !== text(got.length - 1))
			process.exit(1);
		if (got.length === count)
			done(settle?.(channel, message));
	}, options));
	await channel.close();
}
await consume({ consumerTag: "several" }, (channel, message) => channel.ack(message, true));
for (let n = 0; n < count; n++)
	out.sendToQueue("node", Buffer.from(text(n)));
await out.waitForConfirms();
await consume({ consumerTag: "none", noAck: true });
await connection.close();
