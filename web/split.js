// SPDX-License-Identifier: GPL-2.0-or-later
// The bar between list and detail: dragged or moved by arrow keys, its place is remembered.
import { el, recall, remember } from "./el.js";

// {bar, reset()}: call reset() once the bar is in the document, whose style says which way it goes.
export function splitter(container) {
	const sizes = recall("split", {});
	const bar = el("div", {
		class: "splitter",
		role: "separator",
		tabindex: "0",
		"aria-label": "Size of the detail",
		"aria-valuemin": "20",
		"aria-valuemax": "80",
	});

	const isSide = () => getComputedStyle(bar).cursor === "col-resize";
	const key = () => (isSide() ? "right" : "bottom");

	function set(part) {
		const value = Math.max(20, Math.min(80, part || (isSide() ? 42 : 50)));
		sizes[key()] = value;
		container.style.setProperty("--detail", `${value}%`);
		bar.setAttribute("aria-valuenow", Math.round(value));
		bar.setAttribute("aria-orientation", isSide() ? "vertical" : "horizontal");
	}

	bar.addEventListener("pointerdown", event => {
		event.preventDefault();
		bar.setPointerCapture(event.pointerId);
		const move = e => {
			const box = container.getBoundingClientRect();
			set(
				isSide()
					? ((box.right - e.clientX) / box.width) * 100
					: ((box.bottom - e.clientY) / box.height) * 100,
			);
		};
		bar.addEventListener("pointermove", move);
		bar.addEventListener(
			"lostpointercapture",
			() => {
				bar.removeEventListener("pointermove", move);
				remember("split", sizes);
			},
			{ once: true },
		);
	});
	bar.addEventListener("keydown", event => {
		const step = { ArrowLeft: 2, ArrowUp: 2, ArrowRight: -2, ArrowDown: -2 }[event.key];
		if (!step) return;
		event.preventDefault();
		event.stopPropagation();
		set((sizes[key()] || 45) + step);
		remember("split", sizes);
	});
	const reset = () => set(sizes[key()]);
	matchMedia("(min-width: 1200px)").addEventListener("change", reset);
	return { bar, reset };
}
