// SPDX-License-Identifier: GPL-2.0-or-later
// The dashboard, put together.
import { events, getJSON } from "./api.js";
import * as capture from "./capture.js";
import { showHelp } from "./help.js";
import { listen } from "./keys.js";
import { build as buildLayout } from "./layout.js";
import { loadPages, PAGES } from "./pages.js";
import { focus as focusQuery } from "./query.js";
import { readServer } from "./server.js";
import { go, start as startState, state, subscribe } from "./state.js";
import { noToken } from "./states.js";

const main = document.getElementById("main");

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
const [pages] = await Promise.all([loadPages(), readServer()]);
main.append(...Object.values(pages).map(p => p.node));
const show = () => {
	for (const [name, p] of Object.entries(pages)) p.node.hidden = name !== state.page;
};
subscribe(show);
show();
listen(
	{
		filter: () => focusQuery(),
		pause: () => capture.toggle(),
		help: () => showHelp("keys"),
		...Object.fromEntries(
			PAGES.map(p => [`page ${p.name}`, () => go({ page: p.name, id: 0 })]),
		),
	},
	() => pages[state.page].actions || {},
);
for (const p of Object.values(pages)) p.start?.();
pages[state.page].load();
