// SPDX-License-Identifier: GPL-2.0-or-later
// Bodies that the server takes apart: protobuf, MessagePack and CBOR as trees, multipart as its parts.
import { request } from "./api.js";
import { el } from "./el.js";
import { bytes, count } from "./format.js";
import { jsonTree, parse, Told } from "./jsontree.js";
import { pairs } from "./table.js";

const FORMATS = [
	["protobuf", /^application\/(x-protobuf|protobuf|x-google-protobuf|vnd\.google\.protobuf|.*\+protobuf)$/],
	["msgpack", /^application\/(x-msgpack|msgpack|vnd\.msgpack|.*\+msgpack)$/],
	["cbor", /^application\/(cbor|cbor-seq|cose|.*\+cbor|.*\+cbor-seq)$/],
	["multipart", /^multipart\/./],
];
export const TITLES = { protobuf: "Protobuf", msgpack: "MessagePack", cbor: "CBOR" };
const UNTYPED = ["", "application/octet-stream", "application/binary"];

export const formatOf = type => FORMATS.find(([, pattern]) => pattern.test(type))?.[0] || "";
export const isUntyped = type => UNTYPED.includes(type);

function noteOf(node) {
	const parts = [];
	if (node.label) parts.push(node.label);
	if (node.tag !== undefined) parts.push(`${node.type === "ext" ? "type" : "tag"} ${node.tag}`);
	if (node.hex !== undefined && node.size > 8) parts.push(bytes(node.size));
	if (node.cut)
		parts.push(node.size ? `cut: ${count(node.size)} bytes are there` : "cut off");
	return parts.join(" · ");
}

// A node as the server tells it. Of protobuf a member's place is the number of its field.
function toTold(node) {
	const inside = node.members || node.elements;
	const note = noteOf(node);
	if (!inside)
		return new Told({
			type: node.type,
			note,
			value: node.hex ?? node.value,
			isBytes: node.hex !== undefined,
		});
	const list = inside.map((n, i) => ({
		label: node.members ? n.name : i,
		alias: n.alias,
		value: toTold(n),
		steps: [node.members ? n.name : i],
	}));
	return new Told({ type: node.type, note, list, isMap: Boolean(node.members) });
}

const note = (...text) => el("p", { class: "note" }, text);

function remarks(answer) {
	const out = [];
	if (answer.message) out.push(note("By the schema of ", el("code", {}, answer.message), "."));
	if (answer.guessed)
		out.push(
			el(
				"p",
				{ class: "dim pad" },
				"Without a schema: fields are numbers, and what they hold is guessed. --proto-set names them.",
			),
		);
	return out;
}

function ending({ cut, tree }) {
	if (!cut) return null;
	const where = tree ? `The tree ends at byte ${count(cut.offset)}` : "No tree";
	return note(`${where}: ${cut.why}.`);
}

function partOf({ members }) {
	const of = name => members.find(m => m.name === name);
	const preview = of("preview");
	const shown = preview?.hex?.replace(/(..)(?=.)/g, "$1 ") ?? preview?.value;
	return el(
		"section",
		{ class: "part" },
		pairs([
			["Name", of("name")?.value],
			["File", of("filename")?.value],
			["Type", of("type")?.value],
			["Size", bytes(of("size")?.value || 0)],
		]),
		shown ? el("pre", { class: "text", tabindex: "0" }, shown) : null,
		preview?.cut
			? el("p", { class: "dim pad" }, "This is its beginning; Text or Hex has all of it.")
			: null,
	);
}

async function ask(path, format, signal) {
	const address = `${path}${path.includes("?") ? "&" : "?"}as=${format}`;
	return parse(await (await request(address, { signal })).text());
}

// A view that asks the server when it is chosen.
export function treeView(message, which, format, context) {
	return async view => {
		view.append(el("p", { class: "dim pad" }, "Reading…"));
		try {
			const answer = await ask(message.body_url, format, context.signal);
			const body =
				answer.format === "multipart"
					? answer.tree?.elements.map(partOf)
					: answer.tree &&
						jsonTree(toTold(answer.tree), `${which}.body`, answer.format);
			view.replaceChildren(...[remarks(answer), body, ending(answer)].flat().filter(Boolean));
		} catch (error) {
			if (error.name !== "AbortError")
				view.replaceChildren(note(`The body did not load: ${error.message}`));
		}
	};
}
