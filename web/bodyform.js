// SPDX-License-Identifier: GPL-2.0-or-later
// Text bodies that say more than text: the fields of a form, the operation of GraphQL.
import { el } from "./el.js";
import { plural } from "./format.js";
import { jsonTree } from "./jsontree.js";
import { fields } from "./table.js";

const FIELDS = 1000; // of a form that are shown

export const isForm = type => type === "application/x-www-form-urlencoded";

export function formView(view, text) {
	const list = [...new URLSearchParams(text)];
	view.append(fields(list.slice(0, FIELDS)));
	if (list.length > FIELDS)
		view.append(el("p", { class: "note" }, `${plural(list.length - FIELDS, "more field")}.`));
}

const DOCUMENT = /^[\s,]*(#|\{|(query|mutation|subscription|fragment)\b[\s\w]*[({@])/;

// {document, name, variables, extensions} of what was parsed as JSON; null: it is no GraphQL.
export function graphqlOf(json) {
	const one = Array.isArray(json) ? json[0] : json;
	if (typeof one?.query !== "string" || !DOCUMENT.test(one.query)) return null;
	return { document: one.query, variables: one.variables, keys: json === one ? [] : [0] };
}

export function graphqlView(view, { document, variables, keys }, field) {
	view.append(el("pre", { class: "text", tabindex: "0" }, document.trim()));
	if (variables && typeof variables === "object" && Object.keys(variables).length)
		view.append(
			el("h4", { class: "body-part" }, "Variables"),
			jsonTree(variables, field, "json", [...keys, "variables"]),
		);
}
