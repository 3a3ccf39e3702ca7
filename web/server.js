// SPDX-License-Identifier: GPL-2.0-or-later
// What the server says of itself that stays while it runs: whether it watches the wire, and which
// programs it looks at. The latter stands in the bar, on every page: what is left out shows nowhere.
import { events, getJSON } from "./api.js";
import { el } from "./el.js";
import { glyph } from "./icons.js";

export const server = { wire: false, narrow: false, packets: {}, scope: "" };

const listeners = new Set();
export const onServer = listener => listeners.add(listener);

const chip = el("a", { class: "scope", hidden: true });

export async function readServer() {
	const stats = await getJSON("/api/stats").catch(() => null); // pages say what is wrong
	if (!stats) return;
	server.wire = Boolean(stats.wire_watched || stats.file);
	server.narrow = Boolean(stats.wire?.packet_socket); // it sees less than the kernel side does
	server.packets = stats.packets || {}; // that are kept
	server.scope = stats.scope || "";
	draw();
	for (const listener of listeners) listener();
}

events.addEventListener("back", readServer); // another may have been started

function draw() {
	chip.hidden = !server.scope;
	const says = `Only these programs are looked at, others are not shown: ${server.scope}`;
	chip.replaceChildren(
		glyph("funnel", 12),
		el("span", { class: "offscreen" }, "Only "),
		el("span", { class: "scope-text" }, server.scope),
	);
	chip.title = says;
	chip.href = "#/coverage";
}

export const scopeChip = () => chip;
