// SPDX-License-Identifier: GPL-2.0-or-later
// The line under the list: what is listed as files, and which columns there are.
import { url } from "./api.js";
import { COLUMNS, saveColumns } from "./columns.js";
import { button, el } from "./el.js";
import { glyph } from "./icons.js";
import { onServer, server } from "./server.js";
import { subscribe } from "./state.js";
import { listed } from "./wire.js";

// The address follows the filter when it is used: the file has what the list has.
function file(path, text, title, more) {
	const a = el("a", { class: "foot-link", href: path, download: "", title }, text);
	const follow = () => (a.href = url(path, { q: listed(), ...more }));
	subscribe(follow);
	onServer(follow);
	follow();
	return a;
}

// Where packets are kept: with them the whole of a connection, and who has keys can read it.
function packets() {
	const path = "/api/export/pcapng";
	const plain = file(
		path,
		"packets",
		"The plaintext, and the encrypted packets of the wire beside it, for Wireshark",
		{ packets: 1 },
	);
	const keys = file(
		path,
		"with keys",
		"The same with the secrets of the connections: it shows what redaction hides",
		{ packets: 1, keys: 1 },
	);
	const show = () => {
		plain.hidden = !server.packets.kept;
		keys.hidden = !server.packets.kept || !server.packets.keys;
	};
	onServer(show);
	show();
	return [" ", plain, " ", keys];
}

export function exports() {
	return el(
		"span",
		{ class: "exports" },
		"Export ",
		file("/api/export/har", "HAR", "HTTP Archive of what the filter selects"),
		" ",
		file(
			"/api/export/pcapng",
			"pcapng",
			"Packets with the plaintext of what the filter selects, for Wireshark",
		),
		packets(),
	);
}

function choice(column, change) {
	const box = el("input", { type: "checkbox" });
	box.checked = column.shown;
	box.addEventListener("change", () => {
		column.shown = box.checked;
		saveColumns();
		change();
	});
	return el("label", {}, box, column.title);
}

// change(): other columns are to be shown.
export function columnChooser(change) {
	const menu = el(
		"div",
		{ class: "menu", hidden: true, role: "group", "aria-label": "Columns" },
		COLUMNS.filter(c => !c.fixed && !c.flex).map(c => choice(c, change)),
	);
	const open = button(
		glyph("columns"),
		() => {
			menu.hidden = !menu.hidden;
			open.setAttribute("aria-expanded", menu.hidden ? "false" : "true");
		},
		{ class: "icon", title: "Columns", "aria-label": "Columns", "aria-expanded": "false" },
	);
	menu.addEventListener("keydown", event => {
		if (event.key === "Escape") {
			event.stopPropagation();
			menu.hidden = true;
			open.focus();
		}
	});
	return el("div", { class: "chooser" }, open, menu);
}
