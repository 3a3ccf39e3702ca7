// SPDX-License-Identifier: GPL-2.0-or-later
// The Endpoints page: what is called, how often, how fast, and how it fails.
import { el, svg } from "./el.js";
import { count, elapsed, rate, size } from "./format.js";
import { page } from "./page.js";
import { go, state } from "./state.js";
import { notYet } from "./states.js";
import { sortable } from "./table.js";

const order = { column: -1, down: false };

const share = (n, all) => (n ? `${((100 * n) / all).toFixed(n === all ? 0 : 1)} %` : "");
const time = us => (us === null ? "" : elapsed(us));

function spark(counts) {
	const most = Math.max(...counts, 1);
	const [w, h] = [3, 16];
	return svg(
		"svg",
		{ viewBox: `0 0 ${counts.length * w} ${h}`, width: counts.length * w, height: h, class: "spark", "aria-hidden": "true" },
		counts.map((n, i) => {
			const high = n && Math.max(1, Math.round((n / most) * h));
			return svg("rect", { x: i * w, y: h - high, width: w - 1, height: high });
		}),
	);
}

const errors = (title, of, kind) => ({
	title,
	numeric: true,
	cell: e => el("span", { class: of(e) ? kind : "" }, share(of(e), e.calls)),
	sort: e => -of(e) / e.calls,
});

const times = (title, of) => ({
	title,
	numeric: true,
	cell: e => time(e[of]),
	sort: e => -(e[of] ?? -1),
});

const COLUMNS = [
	{ title: "Method", cell: e => el("b", {}, e.method || e.protocol), sort: e => e.method },
	{
		title: "Endpoint",
		class: "path",
		cell: e => [el("span", { class: "dim" }, e.host), ` ${e.template}`],
		sort: e => `${e.host} ${e.template}`,
	},
	{ title: "Calls", numeric: true, cell: e => count(e.calls), sort: e => -e.calls },
	{ title: "Rate", numeric: true, cell: e => rate(e.rate), sort: e => -e.rate },
	errors("4xx", e => e.client_errors, "warn"),
	errors("5xx", e => e.server_errors, "bad"),
	errors("Incomplete", e => e.incomplete, "warn"),
	times("p50", "p50_us"),
	times("p95", "p95_us"),
	times("p99", "p99_us"),
	times("Max", "max_us"),
	{ title: "Bytes", numeric: true, cell: e => size(e.bytes), sort: e => -e.bytes },
	{ title: "When", cell: e => spark(e.spark) },
];

// Its entries, within what the bar has.
function show(e) {
	go({ page: "traffic", q: state.q ? `(${state.q}) and ${e.q}` : e.q, id: 0 });
}

function clickable(tr, e) {
	tr.tabIndex = 0;
	tr.classList.add("clickable");
	tr.title = "Show these exchanges";
	tr.addEventListener("click", () => String(getSelection()) === "" && show(e));
	tr.addEventListener("keydown", event => event.key === "Enter" && show(e));
}

export default page({
	name: "endpoints",
	path: "/api/endpoints",
	every: 5000,
	text: "What is called: paths without what varies, statements without values, methods, commands.",
	draw(answer, body, aside) {
		aside.textContent = answer.omitted ? `and ${count(answer.omitted)} more` : "";
		if (!answer.endpoints.length) {
			body.replaceChildren(
				state.q
					? notYet("Nothing matches", "No exchange in the window matches the filter above.")
					: notYet("Nothing called yet", "Each endpoint will be listed here with its times and errors."),
			);
			return;
		}
		const box =
			body.querySelector(".scroll") ||
			el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Endpoints" });
		box.replaceChildren(sortable("Endpoints", COLUMNS, answer.endpoints, order, clickable));
		if (!box.isConnected) body.replaceChildren(box);
	},
});
