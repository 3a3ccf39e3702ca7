// SPDX-License-Identifier: GPL-2.0-or-later
// The pages. Their table is the bar in index.html, so that the tabs are there at the first paint:
// one link is one page. Its name is that of its module, whose default export is the page; router,
// titles and keys come from here.

// [{name, title, key, filtered}]; filtered: it obeys the filter in the bar
export const PAGES = [...document.querySelectorAll("#bar nav a")].map(a => ({
	name: a.dataset.page,
	title: a.textContent,
	key: a.dataset.key,
	filtered: "filtered" in a.dataset,
}));

export const pageOf = name => PAGES.find(p => p.name === name);

// {name: {node, load()}}: all of them, built.
export async function loadPages() {
	const modules = await Promise.all(PAGES.map(p => import(`./${p.name}.js`)));
	return Object.fromEntries(PAGES.map((p, i) => [p.name, modules[i].default]));
}
