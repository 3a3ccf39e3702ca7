// HTTP/2 of Node.js, without TLS: http2_node.mjs serve|talk PORT
import http2 from "node:http2";

const [what, port] = process.argv.slice(2);

function answer(stream, headers) {
	const path = headers[":path"];
	stream.on("error", () => 0);
	if (path === "/reset") return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
	if (path === "/pushes")
		stream.pushStream({ ":path": "/pushed" }, (error, pushed) => {
			pushed.respond({ ":status": 200, "content-type": "text/plain" });
			pushed.end("pushed\n");
		});
	if (path === "/early") stream.additionalHeaders({ ":status": 103, link: "</a.css>" });
	let body = "";
	stream.on("data", c => { body += c; });
	stream.on("end", () => {
		stream.respond({ ":status": 200 }, { waitForTrailers: true });
		stream.on("wantTrailers", () => stream.sendTrailers({ "x-trailer": `of ${path}` }));
		stream.end(body || `answer to ${path}\n`);
	});
}

function ask(session, headers, body) {
	return new Promise(resolve => {
		const r = session.request(headers, { endStream: !body });
		r.on("error", () => 0);
		r.on("close", resolve);
		r.resume();
		r.end(body);
	});
}

async function talk() {
	const session = http2.connect(`http://127.0.0.1:${port}`);
	await new Promise(resolve => session.once("remoteSettings", resolve));
	session.on("stream", pushed => pushed.resume());
	await Promise.all([1, 2, 3].map(i => ask(session, { ":path": `/node/${i}`, ":method": "POST" }, `body of ${i}\n`)));
	for (const path of ["/early", "/reset", "/pushes"]) await ask(session, { ":path": path });
	session.close();
}

if (what === "serve") {
	const server = http2.createServer();
	server.on("stream", answer);
	server.listen(Number(port), "127.0.0.1");
} else {
	await talk();
}
