// SPDX-License-Identifier: GPL-2.0-or-later
// KFL cut into tokens, for the colours of the query bar and for completion. It judges nothing:
// the server's checker does, and is asked while one types.

const RULES = [
	["comment", /(?:#|\/\/)[^\n]*/y], // as in src/kfl/lex.c
	["regex", /r"(?:[^"\\]|\\.)*"?|r'(?:[^'\\]|\\.)*'?/y],
	["string", /"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?/y],
	["number", /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
	["name", /[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\.?/y],
	["operator", /==|!=|<=|>=|&&|\|\||[<>!+\-*/%]/y],
	["bracket", /[()[\]{}]/y],
	["space", /\s+/y],
	["other", /[^]/y],
];

const WORDS = new Set(["and", "or", "not", "in"]);
const CONSTANTS = new Set(["true", "false", "nil", "null"]);

// [{type, text, at}], which together are the whole text.
export function tokens(text) {
	const out = [];
	let at = 0;
	while (at < text.length) {
		for (const [type, rule] of RULES) {
			rule.lastIndex = at;
			const match = rule.exec(text);
			if (!match) continue;
			out.push({ type: kind(type, match[0], text, at), text: match[0], at });
			at += match[0].length;
			break;
		}
	}
	return out;
}

function kind(type, word, text, at) {
	if (type !== "name") return type;
	if (WORDS.has(word)) return "keyword";
	if (CONSTANTS.has(word)) return "constant";
	return text[at + word.length] === "(" ? "function" : "name";
}

// The server counts columns in code points; the string counts in UTF-16 units.
export function unitsOf(text, column, length) {
	const points = [...text];
	const from = points.slice(0, column - 1).join("").length;
	const to = from + points.slice(column - 1, column - 1 + length).join("").length;
	return [from, to];
}

// Pieces to draw: tokens, cut where the error begins and ends.
export function pieces(text, error) {
	const [from, to] = error ? unitsOf(text, error.column, error.length || 1) : [-1, -1];
	const out = [];
	for (const token of tokens(text)) {
		const cuts = [0, from - token.at, to - token.at, token.text.length]
			.filter(c => c >= 0 && c <= token.text.length)
			.sort((a, b) => a - b);
		for (let i = 0; i + 1 < cuts.length; i++) {
			const piece = token.text.slice(cuts[i], cuts[i + 1]);
			const at = token.at + cuts[i];
			if (piece) out.push({ type: token.type, text: piece, error: at >= from && at < to });
		}
	}
	if (error && from >= text.length) out.push({ type: "space", text: " ", error: true });
	return out;
}

// A filter without its comments, and the last of them if nothing but blanks follows it: what is
// added belongs before that one.
export function withoutComments(text) {
	const list = tokens(text);
	const last = list.findLast(t => t.type !== "space");
	const code = list
		.filter(t => t.type !== "comment")
		.map(t => t.text)
		.join("");
	return { code: code.trim(), comment: last?.type === "comment" ? last.text.trim() : "" };
}
