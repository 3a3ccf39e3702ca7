// SPDX-License-Identifier: GPL-2.0-or-later
// Connections (`tcp`) and handshakes (`tlsx`) among the entries. Each connection has one of both, so
// they would stand between the requests everywhere: they are listed when asked for. What stayed
// encrypted always is, for nothing else tells of it.
import { button } from "./el.js";
import { add } from "./filter.js";
import { plural, size } from "./format.js";
import { tokens } from "./kflhl.js";
import { onServer, server } from "./server.js";
import { go, state, subscribe } from "./state.js";

const QUIET = "(encrypted or not (tcp or tlsx))";
const NAMES = /^(tls|tcp|weak|packets|ja3s?|ja4|id|connection|protocol|tlsx?_\w+|tlsx)$/;

export const isOfWire = e => e.protocol === "tcp" || e.protocol === "tlsx";

// "QUIC v1" of a connection over UDP.
export const quic = e => (e.version.startsWith("QUIC") ? e.version : "");

// What the row of one says, and beside it; null of all others.
export function wireWords(e) {
	const name = e.tls_sni;
	if (e.protocol === "tlsx") return [`handshake${name && ` with ${name}`}`, ""];
	if (e.protocol !== "tcp") return null;
	const told = [
		quic(e) || e.tls_version,
		`${size(e.request_size)} sent`,
		`${size(e.response_size)} answered`,
		plural(e.packets, "packet"),
	];
	return [
		`${name && `${name}, `}${e.lock === "closed" ? "encrypted" : "read in clear"}`,
		`  ${told.filter(Boolean).join(" · ")}`,
	];
}

// Does the filter itself say whether they are wanted?
const names = q => tokens(q).some(t => t.type !== "string" && NAMES.test(t.text));

// The filter of what is listed.
export function listed() {
	return !server.wire || state.wire || names(state.q) ? state.q : add(state.q, QUIET);
}

// The switch under the list.
export function wireSwitch() {
	const node = button("Connections & handshakes", () => go({ wire: !state.wire }), {
		class: "foot-switch",
	});
	const draw = () => {
		const isNamed = names(state.q);
		node.hidden = !server.wire;
		node.disabled = isNamed;
		node.setAttribute("aria-pressed", state.wire || isNamed ? "true" : "false");
		node.title = isNamed
			? "The filter says which of them are listed"
			: "List every TLS connection and handshake as well. What stayed encrypted always is";
	};
	subscribe(draw);
	onServer(draw);
	draw();
	return node;
}
