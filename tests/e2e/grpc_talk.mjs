// Calls of gRPC (@grpc/grpc-js, which speaks HTTP/2 by Node.js and its OpenSSL), then events and a WebSocket
// over HTTP/2 by Node.js itself, whose frames are written by hand. Server and client in one process. Prints
// "ready"; each line that it reads lets it go a step on.
// Usage: grpc_talk.mjs DIRECTORY NODE_MODULES SECRET
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [dir, modules, secret] = process.argv.slice(2);
const grpc = createRequire(`${modules}/`)("@grpc/grpc-js");
const key = readFileSync(`${dir}/key.pem`), cert = readFileSync(`${dir}/cert.pem`);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// A message whose field 1 is a text: of less than 128 bytes, or of any length.
function encode(text) {
	const bytes = Buffer.from(text), n = bytes.length;
	return Buffer.concat([Buffer.from(n < 128 ? [10, n] : [10, 128 | (n & 127), n >> 7]), bytes]);
}
const decode = bytes => bytes.subarray(bytes[1] & 128 ? 3 : 2).toString();
const method = (name, responseStream) => ({
	path: `/talk.Talker/${name}`, requestStream: false, responseStream,
	requestSerialize: encode, requestDeserialize: decode,
	responseSerialize: encode, responseDeserialize: decode,
});
const service = { say: method("Say", false), fail: method("Fail", false), watch: method("Watch", true) };
const watchers = [];

function serveCalls() {
	const server = new grpc.Server();
	server.addService(service, {
		say: (call, done) => done(null, `you said ${call.request}`),
		fail: (call, done) => done({ code: grpc.status.NOT_FOUND, details: "no such thing: 100% é" }),
		watch: call => {
			for (let i = 1; i <= 3; i++) call.write(`tick ${i}`);
			watchers.push(call);
		},
	});
	return new Promise(resolve => server.bindAsync("127.0.0.1:0",
		grpc.ServerCredentials.createSsl(null, [{ private_key: key, cert_chain: cert }]),
		(error, port) => resolve(port)));
}

function serveStreams() {
	const server = http2.createSecureServer({ key, cert, settings: { enableConnectProtocol: true } });
	server.on("stream", (stream, headers) => {
		stream.on("error", () => 0);
		if (headers[":protocol"] === "websocket") {
			stream.respond({ ":status": 200 });
			stream.once("data", () => stream.end(Buffer.from("\x81\x05there\x88\x02\x03\xe8", "latin1")));
			return;
		}
		stream.respond({ ":status": 200, "content-type": "text/event-stream" });
		stream.write("id: 1\nevent: tick\ndata: one\n\n");
		watchers.push(stream);
	});
	return new Promise(resolve => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
}

const connect = (port, options) => new grpc.Client(`localhost:${port}`, grpc.credentials.createSsl(cert), options);

function ask(client, name, text) {
	const m = service[name];
	return new Promise(resolve => client.makeUnaryRequest(m.path, m.requestSerialize,
		m.responseDeserialize, text, (error, answer) => resolve(error ? error.code : answer)));
}

async function talk(port, streams) {
	const plain = connect(port, {});
	const packed = connect(port, { "grpc.default_compression_algorithm": 2 });
	const said = [await ask(plain, "say", "hello"), await ask(plain, "fail", `password=${secret}`),
		(await ask(packed, "say", "again and ".repeat(100))).length];
	plain.makeServerStreamRequest(service.watch.path, encode, decode, "go on").on("data", t => said.push(t));
	const session = http2.connect(`https://localhost:${streams}`, { rejectUnauthorized: false });
	await new Promise(resolve => session.once("remoteSettings", resolve));
	session.request({ ":path": "/events" }).resume();
	const socket = session.request({ ":method": "CONNECT", ":protocol": "websocket", ":path": "/chat" },
		{ endStream: false });
	socket.resume();
	socket.write(Buffer.from("\x81\x85\0\0\0\0hello\x88\x82\0\0\0\0\x03\xe8", "latin1"));
	await lines.next();
	console.log(JSON.stringify(said));
	for (const w of watchers) w.end();
	await lines.next();
}

const ports = [await serveCalls(), await serveStreams()];
console.log("ready");
await lines.next();
await talk(...ports);
process.exit(0);
