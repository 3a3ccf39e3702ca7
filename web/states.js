// SPDX-License-Identifier: GPL-2.0-or-later
// What stands where there is nothing to list: what is so, why, and the next step.
import { button, copy, el } from "./el.js";
import { dateTime } from "./format.js";
import { glyph, lockIcon } from "./icons.js";
import { go, link } from "./state.js";

function box(kind, title, ...children) {
	return el(
		"section",
		{ class: `state state-${kind}`, "aria-label": title },
		el("h2", {}, title),
		children,
	);
}

function command(text) {
	return el(
		"div",
		{ class: "command" },
		el("code", {}, text),
		button("Copy", () => copy(text, "Command"), { class: "plain" }),
	);
}

const to = (page, text) => el("a", { href: link({ page, id: 0 }) }, text);

// `libraries`: how many files are probed; null while not known.
export function firstRun(libraries, paused, file) {
	if (file)
		return box(
			"empty",
			"Nothing read yet",
			el(
				"p",
				{},
				file.ended
					? `${file.name} has been read to its end: no connection in it says anything.`
					: `${file.name} is being read.`,
			),
			el("p", { class: "dim" }, "See ", to("status", "Status"), " for what is in it."),
		);
	const watch =
		libraries === null
			? "cleartap is starting."
			: libraries === 0
				? "cleartap has found no TLS library to watch yet."
				: `cleartap watches ${libraries} ${libraries === 1 ? "library" : "libraries"}.`;
	return box(
		"empty",
		"Nothing read yet",
		el(
			"p",
			{},
			watch,
			paused
				? " Capturing is paused: press p to go on."
				: " What programs say over TLS will stand here, in clear, as they say it.",
		),
		el("p", {}, "Try:"),
		command("curl https://example.com/"),
		el(
			"p",
			{ class: "dim" },
			"See ",
			to("targets", "Targets"),
			" for what is watched and what it cannot read, ",
			to("coverage", "Coverage"),
			" for which programs that leaves out.",
		),
		el(
			"p",
			{ class: "legend" },
			[
				["open", "read in clear"],
				["closed", "stayed encrypted"],
				["none", "not TLS"],
			].map(([lock, means]) =>
				el("span", {}, el("span", { class: `lock-${lock}` }, lockIcon(lock)), means),
			),
		),
	);
}

// How far a search came that ran out of its time, and the button that goes on with it or stops it.
// One node for as long as it lasts: what is about to be clicked must not be swapped.
export class SearchControl {
	constructor(onclick) {
		this.text = el("span", {});
		this.button = button("", onclick, { class: "plain" });
		this.node = el("div", { class: "search-on" }, this.text, this.button);
	}

	update(rows) {
		const at = rows.backTo ? `, at ${dateTime(rows.backTo).slice(0, 19)}` : "";
		const text = rows.searching
			? `Searching further back${at}…`
			: `Partial result: the search ran out of its time${at}; what is older was not looked at yet.`;
		if (this.text.textContent !== text) this.text.textContent = text;
		const label = rows.searching ? "Stop" : "Search further back";
		if (this.button.textContent !== label) this.button.textContent = label;
	}
}

// `older`: the node of a SearchControl when not all was searched.
export function noResult(q, older) {
	return box(
		"none",
		older ? "Nothing found yet" : "Nothing matches",
		el(
			"p",
			{},
			"No stored entry matches ",
			el("code", {}, q),
			older ? " in the part that was searched." : ".",
		),
		older,
		el("p", { class: "dim" }, "New entries that match will appear by themselves."),
		el(
			"p",
			{ class: "actions" },
			button("Clear the filter", () => go({ q: "" }), { class: "plain" }),
		),
	);
}

// The list without entries: `retry` asks again.
export function failed(error, retry) {
	if (error.status === 400) return refused(error);
	return box(
		"error",
		error.status ? "The list did not load" : "The server does not answer",
		el("p", {}, error.message),
		error.status
			? null
			: el(
					"p",
					{ class: "dim" },
					"The dashboard goes on trying and continues where it was. " +
						"If cleartap was stopped, start it again: ",
					el("code", {}, "sudo systemctl start cleartap"),
				),
		el("p", { class: "actions" }, button("Try now", retry, { class: "main" })),
	);
}

function refused(error) {
	return box(
		"error",
		"This filter cannot be run",
		el("p", {}, `${error.message[0].toUpperCase()}${error.message.slice(1)}.`),
		el("p", { class: "dim" }, "Mend it in the bar above; Ctrl+Enter runs it."),
		el(
			"p",
			{ class: "actions" },
			button("Clear the filter", () => go({ q: "" }), { class: "plain" }),
		),
	);
}

export function noToken() {
	return box(
		"token",
		"The token is missing",
		el(
			"p",
			{},
			"Everything cleartap shows is behind a token, since it is other people's traffic in clear.",
		),
		el("p", {}, "Open the line that cleartap printed when it started. It looks like this:"),
		command(`${location.origin}/?token=…`),
		el(
			"p",
			{ class: "dim" },
			"The token is also in the file named by ",
			el("code", {}, "--token-file"),
			". This page keeps it as a cookie of this address only.",
		),
		el(
			"p",
			{ class: "actions" },
			button("I have opened it: try again", () => location.reload(), { class: "main" }),
		),
	);
}

export function notYet(title, why) {
	return box("empty", title, el("p", {}, why));
}

export function loading(text) {
	return el("div", { class: "state state-loading", role: "status" }, text);
}

// The strip over the list: paused, reconnecting, partial, skipped.
export function strip(kind, text, ...actions) {
	return el(
		"div",
		{ class: `strip strip-${kind}`, role: "status" },
		kind === "paused" ? glyph("pause", 12) : null,
		typeof text === "string" ? el("span", {}, text) : text,
		actions,
	);
}
