// SPDX-License-Identifier: GPL-2.0-or-later
// Requests to the server. Every failure becomes an ApiError that says what failed and why.

export class ApiError extends Error {
	constructor(status, problem) {
		super(problem.detail || problem.title || `HTTP ${status}`);
		this.status = status; // 0: no answer at all
		this.title = problem.title || "";
		this.column = problem.column;
		this.length = problem.length;
		this.parameter = problem.parameter;
	}
}

export const events = new EventTarget(); // "unauthorized", "gone", "back"

const SKEW_MS = 2000; // what the Date of an answer, in seconds, tells no difference of

let gone = false;
let skew = 0;

// The server's clock, in µs: how long what is open has lasted is counted by it.
export const serverNow = () => (Date.now() + skew) * 1000;

function compareClocks(response) {
	const date = Date.parse(response.headers.get("date") || "");
	const by = date - Date.now();
	skew = Math.abs(by) > SKEW_MS ? by : 0; // of no date as well
}

function mark(isGone) {
	if (isGone !== gone) events.dispatchEvent(new Event(isGone ? "gone" : "back"));
	gone = isGone;
}

async function problem(response) {
	try {
		if ((response.headers.get("content-type") || "").includes("json"))
			return await response.json();
	} catch {
		// a broken answer is told by its status
	}
	return { title: response.statusText || `HTTP ${response.status}` };
}

export async function request(path, options) {
	let response;
	try {
		response = await fetch(path, { credentials: "same-origin", ...options });
	} catch (error) {
		if (error.name === "AbortError") throw error;
		mark(true);
		throw new ApiError(0, {
			title: "The server does not answer",
			detail: "cleartap does not answer; it may have stopped. Trying again.",
		});
	}
	mark(false);
	compareClocks(response);
	if (response.status === 401) events.dispatchEvent(new Event("unauthorized"));
	if (!response.ok) throw new ApiError(response.status, await problem(response));
	return response;
}

export function url(path, parameters) {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(parameters || {}))
		if (value !== undefined && value !== null && value !== "") search.set(name, value);
	const text = search.toString();
	return text ? `${path}?${text}` : path;
}

export async function getJSON(path, parameters, signal) {
	const response = await request(url(path, parameters), { signal });
	return response.json();
}

export async function postJSON(path, value) {
	const response = await request(path, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify(value),
	});
	return response.status === 204 ? null : response.json();
}

// At most `limit` bytes; {bytes, cut}. The rest is never read.
export async function getBytes(path, limit, signal) {
	const response = await request(path, { signal });
	const reader = response.body.getReader();
	const chunks = [];
	let size = 0;
	for (;;) {
		const { done, value } = await reader.read();
		if (done) break;
		chunks.push(value);
		size += value.length;
		if (size > limit) {
			reader.cancel();
			break;
		}
	}
	const bytes = new Uint8Array(Math.min(size, limit));
	let at = 0;
	for (const chunk of chunks) {
		bytes.set(chunk.subarray(0, bytes.length - at), at);
		at += Math.min(chunk.length, bytes.length - at);
	}
	return { bytes, cut: size > limit };
}
