// SPDX-License-Identifier: GPL-2.0-or-later
// Before the first paint: the theme that was chosen, so that the page never flashes. After it: all
// the rest at once, so that the frame of the page does not wait for any of it.
(() => {
	let theme = null;
	try {
		theme = localStorage.getItem("cleartap.theme");
	} catch {
		// Storage may be forbidden; the system's theme is right then.
	}
	if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;

	let isLoading = false;
	const load = () => {
		if (isLoading) return;
		isLoading = true;
		const rest = document.getElementById("rest").content;
		const styles = [...rest.querySelectorAll("[rel=stylesheet]")].map(
			link => new Promise(done => (link.onload = link.onerror = done)),
		);
		document.head.append(rest);
		Promise.all(styles).then(() => import("./app.js"));
	};
	addEventListener("DOMContentLoaded", () => {
		requestAnimationFrame(() => setTimeout(load));
		setTimeout(load, 300); // there are no frames while the page is in the background
	});
})();
