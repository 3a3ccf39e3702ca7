// SPDX-License-Identifier: GPL-2.0-or-later
// The dashboard, put together.
import { events, getJSON } from "./api.js";
import * as capture from "./capture.js";
import { connections } from "./connections.js";
import { coverage } from "./coverage.js";
import { showHelp } from "./help.js";
import { keys } from "./keys.js";
import { build as buildLayout } from "./layout.js";
import { map } from "./map.js";
import { focus as focusQuery } from "./query.js";
import { go, start as startState, state, subscribe } from "./state.js";
import { noToken } from "./states.js";
import { status } from "./status.js";
import { targets } from "./targets.js";
import * as traffic from "./traffic.js";

const main = document.getElementById("main");

function pages() {
	const all = {
		traffic: { node: traffic.build(), load() {} },
		connections,
		map,
		coverage,
		targets,
		status,
	};
	main.append(...Object.values(all).map(p => p.node));
	const show = () => {
		for (const [name, p] of Object.entries(all)) p.node.hidden = name !== state.page;
	};
	subscribe(show);
	show();
	all[state.page].load();
}

// Without the token nothing can be read: one page says so, and how to get it.
events.addEventListener("unauthorized", () => {
	document.body.classList.add("locked-out");
	if (!main.querySelector(".state-token")) main.replaceChildren(noToken());
});

// While the server is gone, ask now and then: the stream asks too, pages need not be reloaded.
events.addEventListener("gone", () => {
	const ask = () =>
		getJSON("/api/stats").catch(error => {
			if (!error.status) setTimeout(ask, 2000);
		});
	setTimeout(ask, 1000);
});

startState();
buildLayout();
pages();
keys(
	{
		...Object.fromEntries(
			Object.entries(traffic.actions).map(([key, act]) => [
				key,
				event => (state.page === "traffic" ? act(event) : false),
			]),
		),
		"/": () => focusQuery(),
		p: () => capture.toggle(),
		"?": () => showHelp("keys"),
	},
	page => go({ page, id: 0 }),
);
traffic.start();
