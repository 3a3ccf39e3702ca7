// SPDX-License-Identifier: GPL-2.0-or-later
// The tab Messages: what both sides of a long exchange said, one by one, the newest at the end.
import { button, el } from "./el.js";
import { bytes, clock, count, dateTime } from "./format.js";
import { hexView } from "./hex.js";
import { jsonTree, parse } from "./jsontree.js";

const SHOWN = 1000; // characters of a text; the rest on demand
const TREE_ROWS = 20; // of a tree that are open at first: there are many bubbles
const STRUCTURED = ["message", "delivery"]; // of gRPC, whose protobuf the server tells as JSON; of a queue
const FRAMES = ["ping", "pong", "close"]; // of the protocol itself

function text(message) {
	const whole = message.text;
	const pre = el("pre", { class: "bubble-text", tabindex: "0" }, whole.slice(0, SHOWN));
	if (whole.length <= SHOWN) return [pre];
	const more = button(
		`Show ${count(whole.length - SHOWN)} characters more`,
		() => {
			pre.textContent = whole;
			more.remove();
		},
		{ class: "plain more" },
	);
	return [pre, more];
}

function parsed(message) {
	if (!STRUCTURED.includes(message.kind) || message.cut || message.lost || !/^[[{]/.test(message.text))
		return undefined;
	try {
		return parse(message.text);
	} catch {
		return undefined;
	}
}

// A tree that opens and closes, or its text.
function tree(message, value) {
	const view = el("div", { class: "bubble-tree" });
	const choose = isTree => {
		view.replaceChildren(...(isTree ? [jsonTree(value, "", "", [], TREE_ROWS)] : text(message)));
		modes.forEach((mode, i) => mode.setAttribute("aria-pressed", String((i === 0) === isTree)));
	};
	const modes = ["Tree", "Text"].map((name, i) => button(name, () => choose(i === 0), { class: "mode" }));
	choose(true);
	return [el("div", { class: "modes", role: "group", "aria-label": "Show as" }, modes), view];
}

function binary(message) {
	const pairs = message.hex.match(/../g) || [];
	return [hexView(Uint8Array.from(pairs, pair => parseInt(pair, 16)), message.gaps)];
}

function content(message) {
	const value = message.text === undefined ? undefined : parsed(message);
	if (value !== undefined) return tree(message, value);
	if (message.text !== undefined) return text(message);
	return message.hex !== undefined ? binary(message) : [];
}

// What of it is not here, and why.
function remarks(message) {
	const out = [];
	if (message.lost) out.push(`${bytes(message.lost)} of it are missing`);
	if (message.cut) out.push("the rest of it is not kept");
	if (message.note) out.push(String(message.note));
	return out.length ? el("p", { class: "bubble-note" }, out.join(" · ")) : null;
}

function title(message) {
	const { size, length } = message;
	const grew = length === undefined ? "" : ` → ${bytes(length)}`;
	const isUp = message.from === "client";
	return el(
		"div",
		{ class: "bubble-head" },
		el(
			"span",
			{ class: "bubble-way", title: isUp ? "from the client" : "from the server" },
			isUp ? "↑" : "↓",
		),
		el("b", {}, String(message.kind)),
		message.name ? el("span", { class: "bubble-name" }, String(message.name)) : null,
		message.id ? el("span", { class: "bubble-name" }, `id ${message.id}`) : null,
		el("span", { class: "grow" }),
		message.open ? el("span", { class: "bubble-open" }, "goes on") : null,
		el("small", {}, `${bytes(size)}${grew}`),
		message.time_us
			? el("time", { title: dateTime(message.time_us) }, clock(message.time_us))
			: null,
	);
}

function bubble(message) {
	const isFrame = FRAMES.includes(message.kind);
	return el(
		"li",
		{
			class: `bubble ${message.from === "client" ? "up" : "down"}${isFrame ? " frame" : ""}`,
			"aria-label": `${message.kind} from the ${message.from}`,
		},
		title(message),
		content(message),
		remarks(message),
	);
}

// `toEnd`: begin at the newest.
export function bubblesTab(panel, full, toEnd) {
	const omitted = full.messages_omitted || 0;
	const rules = full.messages_redacted || [];
	if (omitted)
		panel.append(
			el(
				"p",
				{ class: "note" },
				`${count(omitted)} of ${count(full.messages_total)} messages came before and are not kept.`,
			),
		);
	if (rules.length)
		panel.append(
			el("p", { class: "note" }, `Masked before they were stored: ${rules.join(", ")}.`),
		);
	panel.append(el("ol", { class: "bubbles" }, full.messages.map(bubble)));
	if (toEnd)
		requestAnimationFrame(() => {
			panel.scrollTop = panel.scrollHeight;
		});
}
