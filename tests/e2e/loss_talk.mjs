// Requests with numbers, as Node.js sends them: ten at once, over connections that stay. Prints how
// many there were; bodies are as loss_talk.py tells.
//
//     node loss_talk.mjs PORT NAME SECONDS
import https from "node:https";

const [port, name, seconds] = process.argv.slice(2);
const atOnce = 10, times = [1, 1, 8, 64, 512];
const agent = new https.Agent({ keepAlive: true, maxSockets: atOnce, rejectUnauthorized: false });
const end = Date.now() + Number(seconds) * 1000;
let sent = 0;

function ask(n) {
	const path = `/${times[n % times.length]}/${name}-${n}`;
	const method = n % 4 === 0 ? "POST" : n % 7 === 0 ? "HEAD" : "GET";
	const body = method === "POST" ? `${path}\n`.repeat(n % 9 + 1) : "";
	const headers = body ? { "Content-Length": body.length } : {};
	return new Promise((resolve, reject) => {
		const request = https.request({ host: "127.0.0.1", port, path, method, agent, headers });
		request.on("error", reject);
		request.on("response", (answer) => {
			if (answer.headers["x-id"] !== path)
				reject(new Error(`${path}: ${answer.headers["x-id"]}`));
			answer.on("error", reject);
			answer.on("end", resolve);
			answer.resume();
		});
		request.end(body);
	});
}

async function talk() {
	while (Date.now() < end)
		await ask(++sent);
}

await Promise.all(Array.from({ length: atOnce }, talk));
agent.destroy();
console.log(sent);
