// SPDX-License-Identifier: GPL-2.0-or-later
// The only place that makes elements. Captured text arrives as children and becomes text nodes;
// nothing here, or anywhere else, parses markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
	for (const [name, value] of Object.entries(attributes || {})) {
		if (value === undefined || value === null || value === false) continue;
		if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
		else if (name === "style")
			throw new TypeError("set styles through CSSOM: the policy forbids the attribute");
		else node.setAttribute(name, value === true ? "" : value);
	}
	node.append(
		...children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false),
	);
	return node;
}

// el("a", {href: "#", onclick: f}, "text", node): strings are text, null and false are left out.
export function el(tag, attributes, ...children) {
	return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
	return fill(document.createElementNS(SVG, tag), attributes, children);
}

// Replace what a node holds; null and false are left out as in el().
export function put(node, ...children) {
	node.replaceChildren(
		...children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false),
	);
	return node;
}

export function button(label, onclick, attributes) {
	return el("button", { type: "button", onclick, ...attributes }, label);
}

// Text that is set often: writes only what changed.
export function setText(node, text) {
	if (node.data !== text) node.data = text;
}

// Say something to people who listen instead of look.
export function say(text) {
	const node = document.getElementById("say");
	if (node) node.textContent = text;
}

let toastTimer = 0;

// A short note at the bottom; it goes by itself.
export function toast(text) {
	const float = document.getElementById("float");
	float.querySelector(".toast")?.remove();
	float.append(el("div", { class: "toast" }, text));
	say(text);
	clearTimeout(toastTimer);
	toastTimer = setTimeout(() => float.querySelector(".toast")?.remove(), 2600);
}

// Clipboard needs a secure context; over plain http to another address only the old way works.
export async function copy(text, what) {
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		const area = el("textarea", { class: "offscreen", "aria-hidden": "true" });
		area.value = text;
		document.body.append(area);
		area.select();
		document.execCommand("copy");
		area.remove();
	}
	toast(`${what || "Text"} copied`);
}

// localStorage may be full or forbidden: then a preference lasts as long as the page.
export function remember(key, value) {
	try {
		localStorage.setItem(`cleartap.${key}`, JSON.stringify(value));
	} catch {
		// nothing is lost but the preference
	}
}

export function recall(key, fallback) {
	try {
		const text = localStorage.getItem(`cleartap.${key}`);
		return text === null ? fallback : JSON.parse(text);
	} catch {
		return fallback;
	}
}
