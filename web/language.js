// SPDX-License-Identifier: GPL-2.0-or-later
// The server's own table of the filter language: names, types and help of fields, flags and
// functions. Completion, help, columns and tooltips ask here; none of it is said elsewhere.
import { getJSON } from "./api.js";

export const table = { fields: [], functions: [], flags: [] };

let byName = new Map();
let loading = null;

function take(answer) {
	Object.assign(table, { fields: [], functions: [], flags: [], ...answer });
	byName = new Map();
	for (const f of [...table.flags, ...table.fields])
		for (const name of [f.name, ...(f.aliases || [])]) byName.set(name, f);
	return table;
}

// Asked for once; again only after it failed.
export function language() {
	loading =
		loading ||
		getJSON("/api/kfl/fields")
			.then(take)
			.catch(error => {
				loading = null;
				throw error;
			});
	return loading;
}

// A field or flag by any of its names; undefined when there is none, or while not known.
export const fieldOf = name => byName.get(name);

// What a field is, in a sentence; "" when the server has none, or has not told yet.
export function helpOf(name) {
	const help = fieldOf(name)?.help || "";
	return help && help[0].toUpperCase() + help.slice(1);
}
