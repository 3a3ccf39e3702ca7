// SPDX-License-Identifier: GPL-2.0-or-later
// A real Chromium for the tests, and pages that note everything they should not have done.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const SHOTS = process.env.SHOTS_DIR || "";

export const executable =
	process.env.CHROMIUM ||
	["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export function launch() {
	return chromium.launch({
		executablePath: executable,
		args: [
			"--no-sandbox",
			"--disable-gpu",
			"--disable-quic",
			"--no-first-run",
			"--disable-background-networking",
			"--disable-component-update",
			"--disable-sync",
			"--enable-precise-memory-info",
		],
	});
}

// A page whose `problems` holds console errors, policy violations and requests to elsewhere.
export async function newPage(browser, options) {
	const context = await browser.newContext({
		viewport: { width: 1440, height: 900 },
		colorScheme: "dark",
		...options,
	});
	const page = await context.newPage();
	page.setDefaultTimeout(30000);
	page.problems = [];
	page.on("console", m => {
		if (m.type() === "error" && !/Failed to load resource|ERR_/.test(m.text()))
			page.problems.push(`console: ${m.text()}`);
	});
	page.on("pageerror", error => page.problems.push(`error: ${error.stack}`));
	page.on("request", request => {
		const { hostname, protocol } = new URL(request.url());
		if (
			!["127.0.0.1", "localhost"].includes(hostname) &&
			!["blob:", "data:"].includes(protocol)
		)
			page.problems.push(`request to ${request.url()}`);
	});
	await page.addInitScript(() => {
		window.violations = [];
		addEventListener("securitypolicyviolation", e =>
			window.violations.push(`${e.violatedDirective} ${e.blockedURI}`),
		);
	});
	return page;
}

export async function shot(page, name) {
	if (!SHOTS) return;
	mkdirSync(SHOTS, { recursive: true });
	await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

// Whole rows on the screen, newest first, as text.
export function rows(page) {
	return page.$$eval(".layer .row:not([hidden])", list =>
		list
			.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
			.map(row => row.innerText.replace(/\s+/g, " ")),
	);
}
