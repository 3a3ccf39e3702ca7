// SPDX-License-Identifier: GPL-2.0-or-later
// Before the first paint: the theme that was chosen, so that the page never flashes.
(() => {
	let theme = null;
	try {
		theme = localStorage.getItem("cleartap.theme");
	} catch {
		// Storage may be forbidden; the system's theme is right then.
	}
	if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
})();
