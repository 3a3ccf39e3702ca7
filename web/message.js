// SPDX-License-Identifier: GPL-2.0-or-later
// The tabs Request, Response and Raw.
import { bodyView, rawView } from "./body.js";
import { button, copy, el } from "./el.js";
import { quote } from "./filter.js";
import { bytes, dateTime } from "./format.js";
import { fields } from "./table.js";

function section(title, open, content, action) {
	return el(
		"div",
		{ class: "section-box" },
		el("details", { class: "section", open }, el("summary", {}, title), content),
		action,
	);
}

// Which rule masked a header, a cookie, a query value: "" when none did.
function masks(message, kind) {
	const rules = (message.redacted || []).map(r => String(r).toLowerCase());
	return name => rules.find(r => r === `${kind} ${name.toLowerCase()}`) || "";
}

function startLine(message, which) {
	if (which === "request" && message.method !== undefined)
		return `${message.method} ${message.target || ""}${message.http_version ? ` HTTP/${message.http_version}` : ""}`;
	if (which === "response" && message.status !== undefined)
		return `${message.http_version ? `HTTP/${message.http_version} ` : ""}${message.status} ${message.reason || ""}`;
	return "";
}

function headerFilter(which) {
	return (name, value) =>
		name.startsWith(":")
			? null
			: { field: `${which}.headers[${quote(name.toLowerCase())}]`, value };
}

function redactedNote(message) {
	const rules = message.redacted || [];
	return rules.length
		? el(
				"p",
				{ class: "note" },
				"Masked before it was stored: ",
				rules.map((r, i) => [i ? ", " : "", el("code", {}, r)]),
				".",
			)
		: null;
}

// What was not as it should be with the message itself.
function remarks(message) {
	const out = (message.notes || []).map(note => String(note));
	if (message.skipped) out.push(`${bytes(message.skipped)} before it that begin no message`);
	if (message.unplaced) out.push(`${bytes(message.unplaced)} after its framing was lost`);
	return out.map(text => el("p", { class: "note" }, text));
}

// A 1xx answer that came before.
function interim(one) {
	const time = one.time_us ? ` · ${dateTime(one.time_us).slice(11)}` : "";
	return section(
		[`${one.status} ${one.reason || ""} `, el("small", {}, `came before the answer${time}`)],
		false,
		fields(one.headers || []),
	);
}

function nothing(e, which) {
	if (which === "response" && e.open) return "No answer yet: the exchange goes on.";
	const what = which === "response" ? "No answer was seen" : "The request was not seen";
	return `${what}${e.reason ? `: ${e.reason}` : ""}.`;
}

export function messageTab(panel, e, full, which, context) {
	const message = full[which];
	if (!message) {
		panel.append(el("p", { class: "dim pad" }, nothing(e, which)));
		return;
	}
	panel.append(...remarks(message), ...(message.interim || []).map(interim));
	const line = startLine(message, which);
	if (line) panel.append(el("div", { class: "startline" }, line));
	lists(panel, message, which);
	const box = el("div", { class: "body-box" });
	panel.append(redactedNote(message) || "", box);
	bodyView(box, e, message, which, context);
}

// What messages of all protocols may have; the rest is what this protocol tells of itself.
const COMMON = new Set(
	(
		"method target http_version headers trailers cookies query content_type content_encoding " +
		"head_size body_size body_stored gaps gaps_as_sent gaps_omitted redacted body body_url " +
		"status reason notes skipped unplaced interim body_digest why decoded body_redacted " +
		"graphql_operation"
	).split(" "),
);

function own(message) {
	return Object.entries(message).filter(
		([name, value]) => !COMMON.has(name) && ["string", "number"].includes(typeof value),
	);
}

function lists(panel, message, which) {
	const members = own(message);
	if (members.length)
		panel.append(section("Message", true, fields(members.map(([n, v]) => [n, `${v}`]))));
	const headers = message.headers || [];
	if (headers.length)
		panel.append(
			section(
				["Headers ", el("small", {}, headers.length)],
				true,
				fields(headers, headerFilter(which), masks(message, "header")),
				button(
					"Copy all",
					() => copy(headers.map(([n, v]) => `${n}: ${v}`).join("\n"), "Headers"),
					{ class: "plain" },
				),
			),
		);
	if (message.query?.length)
		panel.append(
			section(
				["Query ", el("small", {}, message.query.length)],
				true,
				fields(
					message.query,
					(name, value) => ({
						field: /^[A-Za-z_]\w*$/.test(name)
							? `request.query.${name}`
							: `request.query[${quote(name)}]`,
						value,
					}),
					masks(message, "query"),
				),
			),
		);
	if (message.cookies?.length)
		panel.append(
			section(
				["Cookies ", el("small", {}, message.cookies.length)],
				false,
				fields(
					message.cookies,
					(name, value) => ({ field: `${which}.cookies[${quote(name)}]`, value }),
					masks(message, "cookie"),
				),
			),
		);
	if (message.trailers?.length)
		panel.append(
			section(
				["Trailers ", el("small", {}, message.trailers.length)],
				true,
				fields(message.trailers),
			),
		);
}

// The message as text, head and body, and its stored bytes as hex.
export function rawTab(panel, e, full, context) {
	for (const which of ["request", "response"]) {
		const message = full[which];
		if (!message) continue;
		const masked = masks(message, "header");
		const head = [
			startLine(message, which),
			...(message.headers || []).map(([n, v]) => `${n}: ${masked(n) ? "••••••••" : v}`),
		]
			.filter(Boolean)
			.join("\n");
		const box = el("div", { class: "body-box" });
		panel.append(
			el(
				"h3",
				{ class: "raw-title" },
				which === "request" ? "Request" : "Response",
				el(
					"small",
					{},
					` ${bytes(full[`${which}_size`] || 0)} on the stream`,
				),
			),
		);
		if (head) panel.append(el("pre", { class: "raw-head", tabindex: "0" }, head));
		panel.append(box);
		rawView(box, message, context);
	}
	panel.append(
		el(
			"details",
			{ class: "section" },
			el("summary", {}, "Entry as JSON"),
			el("pre", { class: "text", tabindex: "0" }, JSON.stringify(full, null, 2)),
		),
	);
}
