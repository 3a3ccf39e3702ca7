// SPDX-License-Identifier: GPL-2.0-or-later
// The query bar: an input whose text is drawn in colours by a layer under it, checked by the
// server while one types, with completion, history and saved filters in one list below.
import { getJSON } from "./api.js";
import { suggest } from "./complete.js";
import { button, el, say } from "./el.js";
import { oneLine } from "./filter.js";
import { showHelp } from "./help.js";
import { glyph } from "./icons.js";
import { actOf } from "./keys.js";
import { pieces } from "./kflhl.js";
import { language } from "./language.js";
import { pageOf } from "./pages.js";
import { isKept, noteUsed, remembered, toggleKept } from "./saved.js";
import { go, state, subscribe } from "./state.js";

const CHECK_MS = 120;

// What an empty bar offers as long as nothing was asked yet.
const EXAMPLES = [
	["tls and status_code >= 400", "what failed"],
	["elapsed_time > 500000", "slower than half a second"],
	['method == "POST" and path.startsWith("/api")', "by method and path"],
	['src.process == "curl"', "by program"],
	["not complete", "with something missing"],
].map(([text, help]) => ({ text, help, kind: "example" }));

let node, input, paint, popup, message, star, clear;
let items = [];
let chosen = -1;
let span = [0, 0];
let verdict = null; // {text, valid, message, column, length}
let checkTimer = 0;
let checking = null; // what is being asked: {text, abort, answer: a promise}

export function build() {
	paint = el("div", { class: "q-paint", "aria-hidden": "true" });
	input = el("input", {
		class: "q-input",
		id: "query",
		type: "text",
		role: "combobox",
		"aria-label": "Filter (KFL)",
		"aria-expanded": "false",
		"aria-autocomplete": "list",
		"aria-controls": "q-popup",
		autocomplete: "off",
		autocapitalize: "off",
		spellcheck: "false",
		placeholder: "Filter, for example  tls and status_code >= 400",
		maxlength: "8000",
	});
	popup = el("div", {
		class: "q-popup",
		id: "q-popup",
		role: "listbox",
		"aria-label": "Completion",
		hidden: true,
	});
	message = el("div", { class: "q-message", id: "q-message", role: "alert", hidden: true });
	star = button(glyph("star"), keep, { class: "icon q-star", "aria-pressed": "false" });
	clear = button(glyph("close", 12), () => apply(""), {
		class: "icon q-clear",
		title: "Clear the filter",
		"aria-label": "Clear the filter",
	});
	node = el(
		"div",
		{ class: "query", role: "search" },
		el("span", { class: "q-sign", "aria-hidden": "true" }, "/"),
		el("div", { class: "q-field" }, paint, input),
		clear,
		star,
		button(glyph("help"), () => showHelp("kfl"), {
			class: "icon",
			title: "The filter language",
			"aria-label": "Help with the filter language",
		}),
		popup,
		message,
	);
	input.addEventListener("input", () => edited(true));
	input.addEventListener("keydown", keydown);
	input.addEventListener("focus", () =>
		language()
			.then(() => edited(true))
			.catch(() => {}),
	);
	input.addEventListener("blur", () => setTimeout(close, 120));
	input.addEventListener("scroll", () => (paint.scrollLeft = input.scrollLeft));
	input.addEventListener("click", () => complete());
	subscribe((now, old) => now.q !== old.q && set(now.q));
	set(state.q);
	return node;
}

export function focus() {
	input.focus();
	input.select();
}

// A filter set from elsewhere: a click, a link, the Back button.
function set(filter) {
	const q = oneLine(filter);
	if (input.value !== q) {
		input.value = q;
		if (q) check();
	}
	verdict = verdict?.text === q ? verdict : null;
	close();
}

function edited(open) {
	draw();
	clearTimeout(checkTimer);
	checkTimer = setTimeout(check, CHECK_MS);
	if (open && document.activeElement === input) complete();
}

// What the server says of what is typed; null when something else was typed meanwhile. Who asks
// the same waits for the same answer: the check of a moment after the last key must not end the
// one of Enter.
function check() {
	const text = input.value;
	if (checking?.text === text) return checking.answer;
	checking?.abort.abort();
	const mine = { text, abort: new AbortController() };
	checking = mine;
	mine.answer = ask(text, mine.abort.signal).finally(() => {
		if (checking === mine) checking = null;
	});
	return mine.answer;
}

async function ask(text, signal) {
	if (!text.trim()) {
		verdict = { text, valid: true };
	} else {
		try {
			verdict = {
				text,
				...(await getJSON("/api/kfl/validate", { q: text }, signal)),
			};
		} catch (error) {
			if (error.name === "AbortError") return null;
			verdict =
				error.status === 400 || error.status === 414
					? {
							text,
							valid: false,
							message: error.message,
							column: error.column || 1,
							length: error.length || 1,
						}
					: { text, valid: true };
		}
	}
	if (text === input.value) draw();
	return verdict;
}

function draw() {
	const text = input.value;
	const error = verdict && !verdict.valid && verdict.text === text ? verdict : null;
	paint.replaceChildren(
		...pieces(text, error).map(p =>
			el("span", { class: `k-${p.type}${p.error ? " k-error" : ""}` }, p.text),
		),
	);
	paint.scrollLeft = input.scrollLeft;
	node.classList.toggle("invalid", Boolean(error));
	node.classList.toggle("draft", text.trim() !== oneLine(state.q));
	node.classList.toggle("filled", Boolean(text));
	input.setAttribute("aria-invalid", error ? "true" : "false");
	clear.hidden = !text;
	const isSaved = isKept(text.trim());
	star.hidden = !text.trim();
	star.setAttribute("aria-pressed", isSaved ? "true" : "false");
	star.title = isSaved ? "Saved; click to forget" : "Save this filter";
	star.setAttribute("aria-label", star.title);
	showError(error);
}

// The underline shows at once; the sentence waits until the list of completions is gone.
function showError(error) {
	message.hidden = !error || !popup.hidden;
	if (error) {
		message.replaceChildren(el("b", {}, `column ${error.column}`), ` ${error.message}`);
		input.setAttribute("aria-describedby", "q-message");
	} else {
		input.removeAttribute("aria-describedby");
	}
}

function keep() {
	const kept = toggleKept(input.value.trim());
	say(kept ? "Filter saved" : "Filter forgotten");
	draw();
}

// Run what was typed; an invalid filter is shown, never run.
export async function apply(text) {
	if (text !== undefined) input.value = text;
	close();
	const answer = await check();
	if (!answer) return;
	if (!answer.valid) {
		say(`Filter not applied: ${answer.message}`);
		input.focus();
		return;
	}
	const q = input.value.trim();
	noteUsed(q);
	go({ q, page: pageOf(state.page).filtered ? state.page : "traffic" });
	draw();
}

function complete() {
	const caret = input.selectionStart;
	if (!input.value) {
		items = remembered();
		if (!items.length) items = EXAMPLES;
		span = [0, 0];
	} else {
		const answer = suggest(input.value, caret);
		items = answer.items;
		span = [answer.from, answer.to];
		const typed = input.value.slice(answer.from, caret);
		if (items.length === 1 && items[0].text === typed) items = [];
	}
	chosen = -1;
	open();
}

function open() {
	popup.hidden = !items.length;
	message.hidden = message.hidden || !popup.hidden;
	input.setAttribute("aria-expanded", popup.hidden ? "false" : "true");
	popup.replaceChildren(
		...items.map((item, i) => {
			const option = el(
				"div",
				{ class: "q-item", role: "option", id: `q-item-${i}`, "aria-selected": "false" },
				el("code", {}, item.text),
				el("span", { class: "q-kind" }, item.kind),
				el("span", { class: "q-help" }, item.detail || item.help || ""),
			);
			option.addEventListener("pointerdown", event => {
				event.preventDefault();
				accept(i);
			});
			return option;
		}),
	);
	mark();
}

function close() {
	popup.hidden = true;
	chosen = -1;
	input.setAttribute("aria-expanded", "false");
	input.removeAttribute("aria-activedescendant");
	draw();
}

function mark() {
	[...popup.children].forEach((option, i) =>
		option.setAttribute("aria-selected", i === chosen ? "true" : "false"),
	);
	if (chosen >= 0) {
		input.setAttribute("aria-activedescendant", `q-item-${chosen}`);
		popup.children[chosen].scrollIntoView({ block: "nearest" });
	} else {
		input.removeAttribute("aria-activedescendant");
	}
}

function accept(i) {
	const item = items[i];
	if (["saved", "history", "example"].includes(item.kind)) {
		apply(item.text);
		return;
	}
	const text = input.value;
	const space = item.text.endsWith("(") || text[span[1]] === " " ? "" : " ";
	input.value = text.slice(0, span[0]) + item.text + space + text.slice(span[1]);
	const caret = span[0] + item.text.length + 1;
	input.setSelectionRange(caret, caret);
	edited(true);
}

// What an act does; returns false when the key is the browser's.
const acts = {
	down: () => choose(1),
	up: () => choose(-1),
	apply(event) {
		const isMarked = !popup.hidden && chosen >= 0 && !event.ctrlKey;
		isMarked ? accept(chosen) : apply();
	},
	take(event) {
		if (popup.hidden || event.shiftKey || !input.value) return false;
		accept(Math.max(0, chosen));
		return true;
	},
	leave(event) {
		event.stopPropagation();
		if (!popup.hidden) return close();
		input.value = oneLine(state.q);
		edited(false);
		return document.getElementById("grid")?.focus();
	},
};

function choose(step) {
	if (popup.hidden) return complete();
	chosen = ((chosen + 1 + step + items.length + 1) % (items.length + 1)) - 1;
	return mark();
}

function keydown(event) {
	const act = acts[actOf("filter", event)];
	if (act && act(event) !== false) event.preventDefault();
}
