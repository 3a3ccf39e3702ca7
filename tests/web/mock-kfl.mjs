// SPDX-License-Identifier: GPL-2.0-or-later
// Enough of KFL for a mock: flags, paths, == != < <= > >=, contains/startsWith/endsWith, regular
// expressions, timestamp("..."), and or not, brackets. The real language is in src/kfl/.

export class KflError extends Error {
	constructor(message, column, length) {
		super(message);
		Object.assign(this, { column, length });
	}
}

const RULE =
	/\s*(?:\/\/[^\n]*|(r?"(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(==|!=|<=|>=|&&|\|\||[<>!()[\].,]))/y;

function lex(text) {
	const out = [];
	RULE.lastIndex = 0;
	while (RULE.lastIndex < text.length) {
		if (!text.slice(RULE.lastIndex).trim()) break;
		const from = RULE.lastIndex;
		const m = RULE.exec(text);
		if (!m)
			throw new KflError(
				`${JSON.stringify(text[from])} is not part of the language`,
				from + 1,
				1,
			);
		const word = m[1] ?? m[2] ?? m[3] ?? m[4];
		if (word === undefined) continue;
		const at = RULE.lastIndex - word.length;
		out.push({ kind: m[1] ? "string" : m[2] ? "number" : m[3] ? "name" : "sign", word, at });
	}
	return out;
}

export const FLAGS = {
	tls: e => e.tls,
	decrypted: e => e.lock === "open",
	encrypted: e => e.lock === "closed",
	http: e => e.protocol === "http" || e.protocol === "http2",
	http2: e => e.protocol === "http2",
	grpc: e => e.protocol === "grpc",
	redis: e => e.protocol === "redis",
	ws: e => e.protocol === "websocket",
	postgres: e => e.protocol === "postgres",
	mysql: e => e.protocol === "mysql",
	tcp: e => e.protocol === "tcp",
	tlsx: e => e.protocol === "tlsx",
	complete: e => e.complete,
	error: e => !e.complete || e.status_code >= 400,
};

const at = (e, path) => path.reduce((v, k) => v?.[k], e);
const pathOf = e => e.summary.split("?")[0];

export const FIELDS = {
	id: e => e.id,
	timestamp: e => Date.parse(e.timestamp),
	protocol: e => e.protocol,
	lock: e => e.lock,
	library: e => e.library,
	role: e => e.role,
	bind: e => e.bind,
	connection: e => e.connection,
	node: e => e.node,
	method: e => e.method,
	path: pathOf,
	summary: e => e.summary,
	status: e => e.status,
	status_code: e => e.status_code,
	elapsed_time: e => e.elapsed_us ?? 0,
	host: e => e.host,
	requestSize: e => e.request_size,
	responseSize: e => e.response_size,
	lost_bytes: e => e.lost_bytes,
};
for (const s of ["src", "dst"])
	for (const k of [
		"ip",
		"port",
		"name",
		"process",
		"pid",
		"container",
		"namespace",
		"pod.name",
		"service.name",
	])
		FIELDS[`${s}.${k}`] = e => at(e, [s, k.split(".")[0]]);
const OPEN = /^(request|response)\.(headers|cookies|query|body)/;

function value(p) {
	const t = p.next();
	if (t.kind === "number") return { type: "number", get: () => Number(t.word) };
	if (t.kind === "string" && t.word[0] === "r")
		return { type: "regex", get: () => new RegExp(t.word.slice(2, -1)) };
	if (t.kind === "string") return { type: "string", get: () => JSON.parse(t.word) };
	if (t.word === "timestamp" && p.is("(")) {
		p.next();
		const when = Date.parse(JSON.parse(p.next().word));
		p.expect(")");
		return { type: "number", get: () => when };
	}
	if (t.word === "limit" && p.is("(")) {
		p.next();
		p.next();
		p.expect(")");
		return { type: "bool", get: () => true }; // a page of it is a page
	}
	if (t.kind !== "name")
		throw new KflError(
			`a value or a field is expected, not ${t.word}`,
			t.at + 1,
			t.word.length,
		);
	let name = t.word;
	while (p.is(".") || p.is("[")) {
		if (p.next().word === "[") {
			name += `[${p.next().word}]`;
			p.expect("]");
			continue;
		}
		const part = p.next();
		if (p.is("(") && part.word !== "json") {
			p.next();
			const argument = JSON.parse(p.next().word);
			p.expect(")");
			const method = { contains: "includes", startsWith: "startsWith", endsWith: "endsWith" }[
				part.word
			];
			const get = FIELDS[name] || (() => "");
			return { type: "bool", get: e => String(get(e) ?? "")[method || "includes"](argument) };
		}
		if (p.is("(")) {
			p.next();
			p.expect(")");
			name += ".json()";
			continue;
		}
		name += `.${part.word}`;
	}
	if (FLAGS[name]) return { type: "bool", get: FLAGS[name] };
	if (FIELDS[name])
		return {
			type: name === "status_code" || name === "id" ? "number" : "any",
			get: FIELDS[name],
		};
	if (OPEN.test(name)) return { type: "any", get: () => "" };
	const near = [...Object.keys(FIELDS), ...Object.keys(FLAGS)].find(f =>
		f.startsWith(name.slice(0, 3)),
	);
	throw new KflError(
		`there is no field ${name}${near ? `; did you mean ${near}?` : ""}`,
		t.at + 1,
		name.length,
	);
}

const COMPARE = {
	"==": (a, b) => (b instanceof RegExp ? b.test(a) : a === b),
	"!=": (a, b) => (b instanceof RegExp ? !b.test(a) : a !== b),
	"<": (a, b) => a < b,
	"<=": (a, b) => a <= b,
	">": (a, b) => a > b,
	">=": (a, b) => a >= b,
};

function comparison(p) {
	if (p.is("(")) {
		p.next();
		const inner = or(p);
		p.expect(")");
		return inner;
	}
	const left = value(p);
	const op = p.peek();
	if (!op || !COMPARE[op.word]) return left.get;
	p.next();
	const start = p.peek();
	const right = value(p);
	if (left.type === "number" && right.type === "string")
		throw new KflError(
			"this field is a number and is compared with text",
			start.at + 1,
			start.word.length,
		);
	return e => COMPARE[op.word](left.get(e), right.get(e));
}

function not(p) {
	if (p.is("not") || p.is("!")) {
		p.next();
		const inner = not(p);
		return e => !inner(e);
	}
	return comparison(p);
}

function and(p) {
	let left = not(p);
	while (p.is("and") || p.is("&&")) {
		p.next();
		const [a, b] = [left, not(p)];
		left = e => a(e) && b(e);
	}
	return left;
}

function or(p) {
	let left = and(p);
	while (p.is("or") || p.is("||")) {
		p.next();
		const [a, b] = [left, and(p)];
		left = e => a(e) || b(e);
	}
	return left;
}

// A predicate over entries; throws KflError, whose column counts code points.
export function compile(text) {
	try {
		return parse(text);
	} catch (error) {
		if (error instanceof KflError)
			error.column = [...text.slice(0, error.column - 1)].length + 1;
		throw error;
	}
}

function parse(text) {
	const list = lex(text);
	let i = 0;
	const end = () => new KflError("the query ends too early", Math.max(1, text.length), 1);
	const p = {
		peek: () => list[i],
		is: word => list[i]?.word === word && list[i].kind !== "string",
		next: () => {
			if (!list[i]) throw end();
			return list[i++];
		},
		expect: word => {
			if (p.next().word !== word)
				throw new KflError(
					`${word} is expected here`,
					list[i - 1].at + 1,
					list[i - 1].word.length,
				);
		},
	};
	if (!list.length) return () => true;
	const test = or(p);
	if (list[i])
		throw new KflError(
			`${list[i].word} is not expected here`,
			list[i].at + 1,
			list[i].word.length,
		);
	return test;
}
