// SPDX-License-Identifier: GPL-2.0-or-later
// A request as a curl command for a POSIX shell, which sends the same bytes when it is pasted.

// What curl makes itself, from the address or from what it sends.
const OWN = new Set(["content-length", "transfer-encoding", "connection", "host", "expect"]);
const INLINE_MAX = 65536; // bytes of a body that are part of the command

const quoted = text => `'${text.replaceAll("'", "'\\''")}'`;

// What a terminal acts on when it is pasted (ESC, ^O), and what cannot be seen.
const UNSEEN = /[^\P{C}\n\t]/gu;

const octal = text =>
	Array.from(new TextEncoder().encode(text), b => `\\${b.toString(8).padStart(3, "0")}`).join("");

export function shell(text) {
	text = String(text);
	if (text.search(UNSEEN) < 0) return quoted(text);
	const format = text.replace(/[\\%]/g, c => c + c).replace(UNSEEN, octal);
	return `"$(printf ${quoted(format)})"`;
}

const NAME = /^[!#$%&'*+\-.^_`|~\w]+$/; // RFC 9110 section 5.6.2; "@file: x" would read a file
const HOST = /^[\w.\-~%:[\]]+$/;
const header = (list, name) => list.find(([n]) => n.toLowerCase() === name)?.[1];

// curl takes no blanks in an address.
const encoded = text => text.replace(/[\s\u0000-\u001f\u007f]/g, c => encodeURIComponent(c));

const oneLine = text => String(text).replace(/[\r\n\u0000]+\s*/g, " ");

// The address, and the options that it needs.
function address(full, headers) {
	const target = full.request.target || "/";
	const out = [];
	const ip = full.dst.ip.includes(":") ? `[${full.dst.ip}]` : full.dst.ip;
	const named = header(headers, "host") || header(headers, ":authority") || "";
	const host = HOST.test(named) ? named : `${ip}:${full.dst.port}`;
	const base = `${full.tls ? "https" : "http"}://${host}`;
	let url = /^https?:\/\//i.test(target) ? target : base + target;
	if (named && named !== host) out.push(`-H ${shell(`Host: ${oneLine(named)}`)}`);
	if (!/^(\/|https?:\/\/)/i.test(target)) {
		url = base;
		out.push(`--request-target ${shell(target)}`);
	}
	if (/[[\]{}]/.test(url.replace(/^https?:\/\/\[[^\]]*\]/i, ""))) out.push("--globoff");
	if (/\/\.\.?(\/|$|\?)/.test(target)) out.push("--path-as-is");
	return [shell(encoded(url)), ...out];
}

function headerOptions(headers, hasBody, isDecoded) {
	const skip = name => OWN.has(name) || !NAME.test(name) || name === "accept-encoding";
	const out = [];
	for (const [name, value] of headers) {
		const key = name.toLowerCase();
		if (skip(key) || (isDecoded && key === "content-encoding")) continue;
		const text = oneLine(value);
		// "Name:" would take the header out, "Name;" sends it empty.
		out.push(`-H ${shell(text.trim() ? `${name}: ${text}` : `${name};`)}`);
	}
	if (hasBody && header(headers, "content-type") === undefined) out.push("-H 'Content-Type:'");
	if (header(headers, "accept-encoding") !== undefined) out.push("--compressed");
	return out;
}

function base64(bytes) {
	let text = "";
	for (const byte of bytes) text += String.fromCharCode(byte);
	return btoa(text);
}

// {option, before}: how curl gets the body, and what stands before it in the command.
function bodyOption(body) {
	if (body.text !== undefined && !/[^\P{C}\n\t]/u.test(body.text))
		return { option: `--data-raw ${shell(body.text)}`, before: "" };
	if (body.name) return { option: `--data-binary ${shell(`@${body.name}`)}`, before: "" };
	const bytes = body.bytes || new TextEncoder().encode(body.text);
	return {
		option: "--data-binary @-",
		before: `printf %s ${shell(base64(bytes))} | base64 -d | `,
	};
}

// `body`: null, {text}, {bytes}, or {name} of a file that holds it.
export function command(full, body, isDecoded) {
	const headers = full.request.headers || [];
	const method = full.request.method || "GET";
	const parts = [];
	if (method === "HEAD" && !body) parts.push("--head");
	else if (method !== (body ? "POST" : "GET")) parts.push(`-X ${shell(method)}`);
	parts.push(...address(full, headers), ...headerOptions(headers, Boolean(body), isDecoded));
	const { option, before } = body ? bodyOption(body) : { before: "" };
	if (option) parts.push(option);
	return `${before}curl ${parts.join(" \\\n  ")}`;
}

// {text, note}: the command, and what has to be said about it. `read(path, limit)` gives
// {bytes, cut} of a body that did not come with the entry.
export async function curl(full, read) {
	const { request } = full;
	const notes = [];
	let body = null;
	if (typeof request.body === "string" && request.body !== "") {
		body = { text: request.body };
	} else if (request.body_url) {
		const { bytes, cut } = await read(request.body_url, INLINE_MAX);
		body = cut ? { name: `request-${full.id}.bin` } : { bytes };
		if (cut) notes.push(`download the body as ${body.name} first`);
	}
	if (request.gaps?.length) notes.push("the body is not whole");
	if (request.redacted?.length) notes.push("masked values are to be filled in");
	return { text: command(full, body, Boolean(request.content_encoding)), note: notes.join("; ") };
}
