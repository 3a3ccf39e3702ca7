// SPDX-License-Identifier: GPL-2.0-or-later
// A body: what it holds as a tree, fields or parts, text, an image from a blob, or offset, hex and
// text. Bytes that are missing are a hatched strip at their place.
import { getBytes } from "./api.js";
import { formView, graphqlOf, graphqlView, isForm } from "./bodyform.js";
import { formatOf, isUntyped, TITLES, treeView } from "./bodytree.js";
import { charsetOf, decode } from "./charset.js";
import { button, copy, el } from "./el.js";
import { bytes, plural, size } from "./format.js";
import { gapStrip, hexView } from "./hex.js";
import { glyph } from "./icons.js";
import { jsonTree, parse } from "./jsontree.js";
import { xmlTree } from "./xmltree.js";

const FETCH_MAX = 4 << 20;
const TEXTUAL = /^text\/|[/+](json|xml|javascript|ecmascript|x-www-form-urlencoded|x-ndjson|graphql|yaml)$/;
const TEXT_MAX = 1 << 20; // characters shown at once
const IMAGES = [
	"image/png",
	"image/jpeg",
	"image/gif",
	"image/webp",
	"image/avif",
	"image/bmp",
	"image/x-icon",
	"image/vnd.microsoft.icon",
]; // pixels alone: what is markup is shown as its text

let blobs = [];

// Blob addresses live as long as the entry is shown.
export function release() {
	for (const address of blobs) URL.revokeObjectURL(address);
	blobs = [];
}

// Text and gaps in order. Gaps are byte offsets, so the text is cut as bytes.
function textWithGaps(text, gaps) {
	const shown = text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) : text;
	if (!gaps?.length) return [el("pre", { class: "text", tabindex: "0" }, shown)];
	const encoded = new TextEncoder().encode(shown);
	const decoder = new TextDecoder();
	const out = [];
	let at = 0; // in the bytes at hand
	let missing = 0;
	for (const gap of gaps) {
		const until = Math.max(at, Math.min(encoded.length, gap.offset - missing));
		if (until > at)
			out.push(
				el(
					"pre",
					{ class: "text", tabindex: "0" },
					decoder.decode(encoded.subarray(at, until)),
				),
			);
		out.push(gapStrip(gap));
		at = until;
		missing += gap.length;
	}
	if (at < encoded.length)
		out.push(el("pre", { class: "text", tabindex: "0" }, decoder.decode(encoded.subarray(at))));
	return out;
}

const type = message => (message.content_type || "").split(";")[0].trim().toLowerCase();

function parseJSON(message) {
	const t = type(message);
	if (message.gaps?.length || !(t.endsWith("json") || /^\s*[[{]/.test(message.body)))
		return undefined;
	try {
		return parse(message.body);
	} catch {
		return undefined;
	}
}

function bar(message, which, modes) {
	const parts = [
		type(message),
		message.content_encoding && `${message.content_encoding} decoded`,
		message.decoded && `${message.decoded} decoded`,
		bytes(message.body_size || 0),
	];
	return el(
		"div",
		{ class: "body-bar" },
		el("h3", {}, "Body"),
		el("span", { class: "dim" }, parts.filter(Boolean).join(" · ")),
		el("span", { class: "grow" }),
		modes,
		message.body ? button("Copy", () => copy(message.body, "Body"), { class: "plain" }) : null,
		message.body_url
			? el(
					"a",
					{ class: "plain", href: message.body_url, download: `body-${which}` },
					glyph("download", 12),
					" Download",
				)
			: null,
	);
}

// Masking has moved the bytes: the places of the gaps are those in what was sent.
function unplacedGaps(message) {
	const gaps = (message.gaps_as_sent || []).map(gapStrip);
	if (message.gaps_omitted)
		gaps.push(el("p", { class: "note" }, `${plural(message.gaps_omitted, "gap")} more.`));
	return gaps;
}

// Text in the forms that it has beside that of text, the best one first: [[name, fill(view)]].
function textViews(message, which) {
	const views = [];
	const text = message.body;
	const whole = !message.gaps?.length;
	const json = parseJSON(message);
	const graphql = json === undefined ? null : graphqlOf(json);
	const xml = whole && /[/+]xml$/.test(type(message)) ? xmlTree(text) : undefined;
	if (graphql) views.push(["GraphQL", v => graphqlView(v, graphql, `${which}.body`)]);
	if (json !== undefined) views.push(["Tree", v => v.append(jsonTree(json, `${which}.body`))]);
	if (xml) views.push(["Tree", v => v.append(jsonTree(xml, `${which}.body`, "xml"))]);
	if (whole && isForm(type(message))) views.push(["Fields", v => formView(v, text)]);
	views.push(["Text", v => v.append(...textWithGaps(text, message.gaps))]);
	return views;
}

function viewsOf(message, which, context) {
	const views = [];
	const hasText = typeof message.body === "string";
	const t = type(message);
	const format = message.body_url ? formatOf(t) : "";
	if (format)
		views.push([format === "multipart" ? "Parts" : "Tree", treeView(message, which, format, context)]);
	if (IMAGES.includes(t) && message.body_url)
		views.push(["Image", v => image(v, message, context)]);
	if (hasText) views.push(...textViews(message, which));
	else if (message.body_url && (TEXTUAL.test(t) || charsetOf(message.content_type)))
		views.push(...longText(message, which, context));
	if (message.body_url) views.push(["Hex", v => hex(v, message, message.body_url, context)]);
	if (message.body_url && !hasText && isUntyped(t))
		for (const [name, title] of Object.entries(TITLES))
			views.push([title, treeView(message, which, name, context)]);
	return views;
}

// Choose the view, with buttons for the others that make sense.
export function bodyView(box, e, message, which, context) {
	if (message.body_redacted) {
		box.append(el("p", { class: "note" }, "redact() in the filter hides this body."));
		return;
	}
	if (!message.body_size && !message.body && !message.gaps?.length) {
		box.append(el("p", { class: "dim pad" }, "No body."));
		return;
	}
	const views = viewsOf(message, which, context);
	if (!views.length)
		views.push([
			"",
			v =>
				v.append(
					...(message.gaps || []).map(gapStrip),
					el(
						"p",
						{ class: "dim pad" },
						message.why ? `${message.why}.` : "No byte of it was kept.",
					),
				),
		]);
	const view = el("div", { class: "body-view" });
	const modes =
		views.length > 1
			? el(
					"span",
					{ class: "modes", role: "group", "aria-label": "Show as" },
					views.map(([name], i) =>
						button(name, () => choose(i), { class: "mode", "aria-pressed": "false" }),
					),
				)
			: null;
	const choose = i => {
		modes?.childNodes.forEach((b, k) =>
			b.setAttribute("aria-pressed", k === i ? "true" : "false"),
		);
		view.replaceChildren();
		views[i][1](view);
	};
	box.append(bar(message, which, modes), ...unplacedGaps(message), view);
	choose(0);
}

async function fetchInto(view, path, context, use) {
	view.append(el("p", { class: "dim pad" }, "Reading…"));
	try {
		const answer = await getBytes(path, FETCH_MAX, context.signal);
		view.replaceChildren();
		use(answer);
	} catch (error) {
		if (error.name !== "AbortError")
			view.replaceChildren(
				el("p", { class: "note" }, `The body did not load: ${error.message}`),
			);
	}
}

const cutNote = limit =>
	el("p", { class: "note" }, `The first ${size(limit)} are shown; download it for all.`);

function hex(view, message, path, context) {
	fetchInto(view, path, context, ({ bytes: data, cut }) => {
		view.append(hexView(data, message.gaps));
		if (cut) view.append(cutNote(FETCH_MAX));
	});
}

// Text that is too long to come with the entry, or not UTF-8, is read when it is looked at.
function longText(message, which, context) {
	const read = use => v =>
		fetchInto(v, message.body_url, context, ({ bytes: data }) => {
			const { text, charset, unknown } = decode(data, message.content_type);
			if (unknown) v.append(el("p", { class: "note" }, `No charset "${unknown}" is known.`));
			else if (charset !== "utf-8")
				v.append(el("p", { class: "dim pad" }, `Decoded from ${charset}.`));
			use(v, { ...message, body: text });
			if (text.length > TEXT_MAX && v.querySelector("pre.text")) v.append(cutNote(TEXT_MAX));
		});
	const asText = (v, m) => v.append(...textWithGaps(m.body, m.gaps));
	const best = (v, m) => textViews(m, which)[0][1](v);
	const views = [["Text", read(asText)]];
	const title = isForm(type(message)) ? "Fields" : "Tree";
	if (/[/+](json|xml|x-www-form-urlencoded)$/.test(type(message)) && !message.gaps?.length)
		views.unshift([title, read(best)]);
	return views;
}

// An <img> runs no script, whatever its bytes are; the blob has the one type that was named.
function image(view, message, context) {
	fetchInto(view, message.body_url, context, ({ bytes: data, cut }) => {
		const address = URL.createObjectURL(new Blob([data], { type: type(message) }));
		blobs.push(address);
		const info = el("p", { class: "dim pad" }, cut ? "Too large to show whole." : "");
		const img = el("img", { src: address, alt: "The body as an image" });
		img.addEventListener(
			"load",
			() => (info.textContent = `${img.naturalWidth} × ${img.naturalHeight}`),
		);
		img.addEventListener("error", () => {
			img.remove();
			info.textContent = "These bytes are not an image that can be shown.";
		});
		view.append(el("div", { class: "checker" }, img), info);
	});
}

export function rawView(box, message, context) {
	const address = message.body_url;
	if (address) hex(box, message, `${address}${address.includes("?") ? "&" : "?"}raw=1`, context);
	else box.append(...(message.gaps || []).map(gapStrip));
}
