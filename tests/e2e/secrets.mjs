// SPDX-License-Identifier: GPL-2.0-or-later
// A server of HTTP/1.1 and HTTP/2 that answers with secrets of its own. It prints its port.
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";

const [directory, token, cookie] = process.argv.slice(2);
const server = createSecureServer(
	{
		allowHTTP1: true,
		key: readFileSync(`${directory}/key.pem`),
		cert: readFileSync(`${directory}/cert.pem`),
	},
	(request, response) => {
		request.resume();
		request.on("end", () => {
			response.setHeader("content-type", "application/json");
			response.setHeader("set-cookie", `sid=${cookie}; HttpOnly`);
			response.end(JSON.stringify({ ok: true, access_token: token }));
		});
	},
);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
