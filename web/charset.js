// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes to text: by a byte order mark, by the charset of the type, by an XML declaration, else UTF-8.

const MARKS = [
	["utf-8", [0xef, 0xbb, 0xbf]],
	["utf-16be", [0xfe, 0xff]],
	["utf-16le", [0xff, 0xfe]],
];
const DECLARED = 200; // first bytes in which an XML declaration may be

export const charsetOf = type =>
	/;\s*charset\s*=\s*"?([\w:.+-]+)/i.exec(type || "")?.[1].toLowerCase() || "";

function declared(bytes) {
	const start = new TextDecoder("latin1").decode(bytes.subarray(0, DECLARED));
	return /^\s*<\?xml[^>]*\sencoding=["']([\w.-]+)/.exec(start)?.[1] || "";
}

function decoder(label) {
	try {
		return new TextDecoder(label);
	} catch {
		return null; // a charset that no browser knows
	}
}

// {text, charset: as the browser calls it, unknown: a charset that was named in vain}
export function decode(bytes, type) {
	const mark = MARKS.find(([, sign]) => sign.every((byte, i) => bytes[i] === byte))?.[0];
	const label = mark || charsetOf(type) || declared(bytes) || "utf-8";
	const found = decoder(label);
	const used = found || new TextDecoder();
	return { text: used.decode(bytes), charset: used.encoding, unknown: found ? "" : label };
}
