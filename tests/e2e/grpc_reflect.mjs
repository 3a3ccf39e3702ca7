// A server of gRPC that tells its schema (@grpc/reflection), without TLS, and a client of it that buys, asks
// for the schema, and buys again.
// Usage: grpc_reflect.mjs NODE_MODULES SCHEMA serve PORT; ... ask PORT CERTIFICATE SECRET
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";

const [modules, schema, what, port, cert, secret] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const grpc = require("@grpc/grpc-js"), loader = require("@grpc/proto-loader");
const till = loader.loadSync(schema);
const { Till } = grpc.loadPackageDefinition(till).shop;

function serve() {
	const { ReflectionService } = require("@grpc/reflection");
	const server = new grpc.Server();
	server.addService(Till.service, {
		buy: ({ request }, done) => done(null, { receipt: `${request.count} ${request.item}` }),
	});
	new ReflectionService(till).addToServer(server);
	server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), () => 0);
}

const to = Service => new Service(`localhost:${port}`, grpc.credentials.createSsl(readFileSync(cert)));

function askSchema() {
	const file = `${dirname(require.resolve("@grpc/reflection"))}/../proto/grpc/reflection/v1/reflection.proto`;
	const { ServerReflection } = grpc.loadPackageDefinition(loader.loadSync(file)).grpc.reflection.v1;
	const client = to(ServerReflection), call = client.serverReflectionInfo();
	call.write({ fileContainingSymbol: "shop.Till" });
	return new Promise((resolve, reject) => call.on("error", reject).on("end", resolve).on("data", answer => {
		if (!answer.fileDescriptorResponse) reject(new Error("no schema"));
		call.end();
	}));
}

async function ask() {
	const client = to(Till);
	const buy = request => new Promise((resolve, reject) =>
		client.buy(request, (error, answer) => error ? reject(error) : resolve(answer.receipt)));
	console.log(await buy({ item: "tea", count: 2 }));
	await askSchema();
	console.log(await buy({ item: "milk", count: 3, password: secret }));
	process.exit(0);
}

if (what === "serve") serve();
else await ask();
