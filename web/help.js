// SPDX-License-Identifier: GPL-2.0-or-later
// Help: the filter language, from the server's own table, with examples to click; and the keys.
import { button, el } from "./el.js";
import { KEYS, PLACES } from "./keys.js";
import { language } from "./language.js";
import { go } from "./state.js";

const SIGNS = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc" };

const SYNTAX = [
	["tls and status_code >= 400", "failed answers that came over TLS"],
	['http and method == "POST" and path.startsWith("/api")', "methods on text"],
	['src.process == "curl" or dst.process == "nginx"', "and binds tighter than or"],
	['path == r"^/v[0-9]+/"', 'r"..." is a regular expression, found anywhere'],
	['request.headers["content-type"].contains("json")', "a header, by name in any case"],
	["elapsed_time > 500000", "slower than half a second (microseconds)"],
	['timestamp > now() - duration("5m")', "the last five minutes"],
	['src.ip in ip("10.0.0.0/8")', "an address in a network"],
	["error or not complete", "what failed, or was not seen whole"],
	["encrypted", "TLS that could not be read: closed lock"],
];

function example(text, close) {
	return button(
		el("code", {}, text),
		() => {
			close();
			go({ q: text, page: "traffic" });
		},
		{ class: "example", title: "Use this filter" },
	);
}

function rows(list, close) {
	return el(
		"table",
		{ class: "help-table" },
		el(
			"tbody",
			{},
			list.map(f =>
				el(
					"tr",
					{},
					el(
						"th",
						{ scope: "row" },
						el("code", {}, f.signature || f.name),
						f.aliases?.length ? el("small", {}, ` ${f.aliases.join(", ")}`) : null,
					),
					el("td", { class: "help-type" }, f.type || ""),
					el("td", {}, f.help || ""),
					el(
						"td",
						{},
						f.example
							? example(f.example, close)
							: f.kind === "flag"
								? example(f.name, close)
								: null,
					),
				),
			),
		),
	);
}

async function fill(box, close) {
	const table = await language();
	box.replaceChildren(
		el("h3", {}, "Flags"),
		rows(
			table.flags.map(f => ({ ...f, kind: "flag" })),
			close,
		),
		el("h3", {}, "Fields"),
		rows(table.fields, close),
		el("h3", {}, "Functions"),
		rows(table.functions, close),
	);
}

const signs = row =>
	Object.keys(row.keys).flatMap(keys => keys.split(" ").map(k => el("kbd", {}, SIGNS[k] || k)));

function keysTables() {
	return Object.entries(PLACES).map(([where, title]) => [
		el("h3", {}, title),
		el(
			"table",
			{ class: "help-table keys" },
			el(
				"tbody",
				{},
				KEYS.filter(row => row.where === where).map(row =>
					el("tr", {}, el("th", { scope: "row" }, signs(row)), el("td", {}, row.does)),
				),
			),
		),
	]);
}

function kfl(close) {
	const reference = el("div", {}, el("p", { class: "dim" }, "Loading the fields…"));
	fill(reference, close).catch(error =>
		reference.replaceChildren(
			el("p", { class: "dim" }, `The list of fields did not load: ${error.message}`),
		),
	);
	return [
		el(
			"p",
			{},
			"One language for the list, the live stream and the API. Nothing typed shows everything.",
		),
		el(
			"table",
			{ class: "help-table" },
			el(
				"tbody",
				{},
				SYNTAX.map(([text, why]) =>
					el("tr", {}, el("td", {}, example(text, close)), el("td", {}, why)),
				),
			),
		),
		reference,
	];
}

export function showHelp(which) {
	document.querySelector("dialog.help")?.remove();
	const dialog = el("dialog", { class: "help", "aria-labelledby": "help-title" });
	const close = () => dialog.close();
	const isKeys = which === "keys";
	dialog.append(
		el(
			"header",
			{},
			el("h2", { id: "help-title" }, isKeys ? "Keys" : "The filter language, KFL"),
			button(isKeys ? "Filter language" : "Keys", () => showHelp(isKeys ? "kfl" : "keys"), {
				class: "plain",
			}),
			button("Close", close, { class: "plain" }),
		),
		el(
			"div",
			{ class: "help-body", tabindex: "0", role: "region", "aria-labelledby": "help-title" },
			isKeys ? keysTables() : kfl(close),
		),
	);
	dialog.addEventListener("close", () => dialog.remove());
	dialog.addEventListener("click", event => event.target === dialog && close());
	document.body.append(dialog);
	dialog.showModal();
}
