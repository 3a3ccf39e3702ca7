// HTTP/2 of Node.js with itself: server and client in one process. Prints its port, then waits for a
// line before the client speaks. Usage: http2_talk.mjs DIRECTORY
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import { createInterface } from "node:readline";

const [dir] = process.argv.slice(2);
const server = http2.createSecureServer({
	key: readFileSync(`${dir}/key.pem`), cert: readFileSync(`${dir}/cert.pem`),
	enableConnectProtocol: true,
});

server.on("stream", (stream, headers) => {
	const path = headers[":path"];
	stream.on("error", () => 0);
	if (headers[":protocol"] === "websocket" || headers[":method"] === "CONNECT") {
		stream.respond({ ":status": 200 });
		stream.on("data", () => stream.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ninside"));
		return;
	}
	if (path === "/reset") return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
	if (path === "/pushes")
		stream.pushStream({ ":path": "/pushed" }, (error, pushed) => {
			if (!error) {
				pushed.respond({ ":status": 200, "content-type": "text/plain" });
				pushed.end("pushed body\n");
			}
		});
	if (path === "/early") stream.additionalHeaders({ ":status": 103, link: "</a.css>" });
	const chunks = [];
	stream.on("data", c => chunks.push(c));
	stream.on("end", () => {
		stream.respond({ ":status": 200, "x-path": path }, { waitForTrailers: true });
		stream.on("wantTrailers", () => stream.sendTrailers({ "x-trailer": `of ${path}` }));
		stream.end(chunks.length ? Buffer.concat(chunks) : `answer to ${path}\n`);
	});
});

function ask(session, headers, body) {
	return new Promise(resolve => {
		const r = session.request(headers, { endStream: body === undefined });
		let text = "";
		r.on("data", d => { text += d; });
		r.on("error", () => 0);
		r.on("close", () => resolve(text));
		if (body !== undefined) r.end(body);
	});
}

async function talk(port) {
	const session = http2.connect(`https://localhost:${port}`, { rejectUnauthorized: false });
	await new Promise(resolve => session.once("remoteSettings", resolve));
	session.on("stream", pushed => pushed.resume());
	const all = [];
	for (let i = 0; i < 100; i++)
		all.push(ask(session, { ":path": `/node/${i}`, ":method": "POST", "x-id": `${i}` },
			`body of ${i} `.repeat(1 + i * 7)));
	await Promise.all(all);
	for (const path of ["/early", "/reset", "/pushes"]) await ask(session, { ":path": path });
	await ask(session, { ":method": "CONNECT", ":authority": "inner.host:80" },
		"GET /in-the-tunnel HTTP/1.1\r\nHost: inner.host\r\n\r\n");
	session.close();
	server.close();
}

server.listen(0, "127.0.0.1", () => {
	const port = server.address().port;
	console.log(port);
	createInterface({ input: process.stdin }).once("line", () => talk(port).then(() => process.exit(0)));
});
