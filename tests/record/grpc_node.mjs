// gRPC of @grpc/grpc-js, without TLS: grpc_node.mjs serve|talk PORT NODE_MODULES SECRET
import { createRequire } from "node:module";

const [what, port, modules, secret] = process.argv.slice(2);
const grpc = createRequire(`${modules}/`)("@grpc/grpc-js");

// A message whose field 1 is a text of less than 128 bytes.
const encode = text => Buffer.concat([Buffer.from([10, Buffer.byteLength(text)]), Buffer.from(text)]);
const decode = bytes => bytes.subarray(2).toString();
const method = (name, requestStream, responseStream) => ({
	path: `/till.Till/${name}`, requestStream, responseStream, requestSerialize: encode, requestDeserialize: decode,
	responseSerialize: encode, responseDeserialize: decode,
});
const service = { say: method("Say", false, false), fail: method("Fail", false, false),
	watch: method("Watch", false, true), chat: method("Chat", true, true) };

function serve() {
	const server = new grpc.Server();
	server.addService(service, {
		say: (call, done) => done(null, `you said ${call.request}`),
		fail: (call, done) => done({ code: grpc.status.NOT_FOUND, details: "no such thing: 100% é" }),
		watch: call => {
			for (let i = 1; i <= 3; i++) call.write(`tick ${i}`);
			call.end();
		},
		chat: call => call.on("data", text => call.write(`${text}, too`)).on("end", () => call.end()),
	});
	server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), () => 0);
}

const ask = (client, m, text) => new Promise(resolve => client.makeUnaryRequest(
	m.path, encode, decode, text, resolve));
const ended = call => new Promise(resolve => call.on("data", () => 0).on("end", resolve));

async function talk(options) {
	const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
	await ask(client, service.say, "hello");
	await ask(client, service.fail, `password=${secret}`);
	await ended(client.makeServerStreamRequest(service.watch.path, encode, decode, "go on"));
	const chat = client.makeBidiStreamRequest(service.chat.path, encode, decode);
	chat.write("tea");
	chat.write("milk");
	chat.end();
	await ended(chat);
	client.close();
}

if (what === "serve")
	serve();
else
	await talk(what === "gzip" ? { "grpc.default_compression_algorithm": 2 } : {});
