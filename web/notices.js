// SPDX-License-Identifier: GPL-2.0-or-later
// What is said around the rows: the strips above them, what stands where there are none, how many
// there are, and how many new ones wait.
import { getJSON } from "./api.js";
import * as capture from "./capture.js";
import { button, el, put } from "./el.js";
import { count, plural } from "./format.js";
import { state } from "./state.js";
import * as states from "./states.js";

export class Notices {
	constructor(feed) {
		const { rows } = feed;
		this.feed = feed;
		this.libraries = null; // not known yet
		this.strips = el("div", { class: "strips" });
		this.empty = el("div", { class: "empty" });
		this.pill = button("", () => this.toNewest(), { class: "newpill", hidden: true });
		this.total = el("span", { class: "total" });
		this.search = new states.SearchControl(() =>
			rows.searching ? rows.stop() : rows.search(),
		);
		this.said = "";
	}

	toNewest() {
		this.feed.toNewest();
		this.feed.list.node.focus({ preventScroll: true });
	}

	// The first run's page names how many libraries are watched; it changes while nothing is read.
	async countLibraries() {
		try {
			const answer = await getJSON("/api/targets");
			this.libraries = (answer.targets || []).filter(t => t.state === "attached").length;
			this.draw();
		} catch {
			// told where it matters: on the Targets page
		}
		if (!this.feed.rows.count) setTimeout(() => this.countLibraries(), 3000);
	}

	draw() {
		const { rows, pendingCount, follows } = this.feed;
		const kind = this.emptyKind();
		if (kind !== this.empty.dataset.kind) {
			this.empty.dataset.kind = kind;
			put(this.empty, this.emptyState(kind));
		}
		this.pill.hidden = !pendingCount || (follows && pendingCount < 20);
		if (!this.pill.hidden) this.pill.textContent = `${count(pendingCount)} new`;
		this.total.textContent = rows.count ? this.totalText() : "";
		this.search.update(rows);
		this.drawStrips();
	}

	totalText() {
		const { rows, pendingCount } = this.feed;
		const n = rows.count + pendingCount;
		const isLimited = rows.most < Infinity;
		if (rows.next !== null)
			return isLimited
				? `${count(n)} of at most ${count(rows.most)}`
				: `${count(n)} entries and older`;
		const text = plural(n, "entry", "entries");
		if (rows.most <= rows.count) return `${text}, the filter's limit`;
		return rows.isGuess ? `about ${text}` : text;
	}

	// A text that differs when another state is to be shown.
	emptyKind() {
		const { rows } = this.feed;
		if (rows.count) return "";
		if (rows.error) return `error ${rows.error.status}`;
		if (!rows.ready) return "loading";
		if (state.q) return `none ${rows.next === null} ${state.q}`;
		const { paused, file } = capture.capture;
		return `first ${this.libraries} ${paused} ${file?.name} ${file?.ended}`;
	}

	emptyState(kind) {
		const { rows } = this.feed;
		if (kind.startsWith("error")) return states.failed(rows.error, () => this.feed.load());
		if (kind === "loading") return states.loading("Reading…");
		if (kind.startsWith("none"))
			return states.noResult(state.q, rows.next === null ? null : this.search.node);
		const { paused, file } = capture.capture;
		return kind ? states.firstRun(this.libraries, paused, file) : null;
	}

	drawStrips() {
		const { rows, skipped, liveError } = this.feed;
		const { paused, link } = capture.capture;
		const isPartial = rows.partial && rows.count > 0;
		const error = rows.error && rows.count ? rows.error.message : "";
		const said = [paused, link, isPartial, skipped, error, liveError].join();
		if (said === this.said) return;
		this.said = said;
		this.strips.replaceChildren(
			...[
				link === "reconnecting" ? this.gone() : error && this.failed(error),
				liveError && states.strip("error", `Live filter: ${liveError}`),
				paused && link === "live" && this.paused(),
				isPartial && states.strip("partial", this.search.node),
				skipped && this.behind(skipped),
			].filter(Boolean),
		);
	}

	gone() {
		return states.strip(
			"off",
			"The server does not answer. Trying again by itself; what is listed stays.",
			button("Try now", () => this.feed.stream.retryNow(), { class: "plain" }),
		);
	}

	failed(error) {
		const again = button("Try again", () => this.feed.load(), { class: "plain" });
		return states.strip("error", error, again);
	}

	paused() {
		return states.strip(
			"paused",
			"Capturing is paused: what programs say now is counted, not kept.",
			button("Go on", capture.toggle, { class: "plain" }),
		);
	}

	behind(skipped) {
		return states.strip(
			"skipped",
			`This page fell behind: ${plural(skipped, "entry was", "entries were")} not sent live. They are stored.`,
			button("Read them", () => this.feed.load(), { class: "plain" }),
		);
	}
}
