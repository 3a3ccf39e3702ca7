// SPDX-License-Identifier: GPL-2.0-or-later
// A request as a curl command for a POSIX shell.

const OWN = new Set([
	"content-length",
	"transfer-encoding",
	"connection",
	"host",
	"accept-encoding",
	"expect",
]);

export function shell(text) {
	return `'${String(text).replaceAll("'", "'\\''")}'`;
}

function address(full) {
	const target = full.request.target || "/";
	if (/^https?:\/\//.test(target)) return target;
	const named = (full.request.headers || []).find(([n]) => /^(host|:authority)$/i.test(n));
	const ip = full.dst.ip.includes(":") ? `[${full.dst.ip}]` : full.dst.ip;
	const host = named ? named[1] : `${ip}:${full.dst.port}`;
	return `${full.tls ? "https" : "http"}://${host}${target}`;
}

export function curl(full) {
	const request = full.request;
	const parts = ["curl"];
	const hasBody = typeof request.body === "string" && request.body !== "";
	if (request.method && request.method !== (hasBody ? "POST" : "GET"))
		parts.push(request.method === "HEAD" ? "--head" : `-X ${shell(request.method)}`);
	parts.push(shell(address(full)));
	for (const [name, value] of request.headers || [])
		if (!name.startsWith(":") && !OWN.has(name.toLowerCase()))
			parts.push(`-H ${shell(`${name}: ${value}`)}`);
	if ((request.headers || []).some(([n]) => n.toLowerCase() === "accept-encoding"))
		parts.push("--compressed");
	if (hasBody) parts.push(`--data-binary ${shell(request.body)}`);
	return parts.join(" \\\n  ");
}
