// SPDX-License-Identifier: GPL-2.0-or-later
// Which tabs an entry has: what it is decides.
import { bubblesTab } from "./bubbles.js";
import { connectionTab } from "./connection.js";
import { handshakeTab } from "./handshake.js";
import { messageTab, rawTab } from "./message.js";
import { timingTab } from "./timing.js";
import { wireTab } from "./wireconn.js";

// {list: [{key, title, fill(panel)}], best: the key of the one to begin with}. `isKept`: the messages
// were shown before, and stay where they were.
export function partsOf(e, full, context, isKept) {
	const message = (key, title) => ({ key, title, fill: p => messageTab(p, e, full, key, context) });
	const wire = {
		tcp: { key: "wire", title: "TLS connection", fill: p => wireTab(p, e, full, context) },
		tlsx: { key: "handshake", title: "Handshake", fill: p => handshakeTab(p, e, full) },
	}[e.protocol];
	const list = wire ? [wire] : [message("request", "Request"), message("response", "Response")];
	if (full.messages)
		list.push({
			key: "messages",
			title: "Messages",
			fill: p => {
				bubblesTab(p, full, !isKept);
				isKept = false;
			},
		});
	if (!wire) list.push({ key: "timing", title: "Timing", fill: p => timingTab(p, e, full) });
	list.push(
		{ key: "connection", title: "Connection", fill: p => connectionTab(p, e, full, context) },
		{ key: "raw", title: "Raw", fill: p => rawTab(p, e, full, context) },
	);
	const best = wire
		? wire.key
		: ["messages", "response"].find(key => full[key]) || "request";
	return { list, best };
}
