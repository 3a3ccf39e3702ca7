// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The self-test of the probes: what a program writes is seen before the records that it makes. One
 * that was read, and goes on to send records while nothing of what it writes is seen any more, has
 * probes that do not fire. Not so one that always sends records which nobody reads, as relays do.
 */
#include "wire/wire_conn.h"

static struct wire_pulse *pulse_of(struct wire *w, uint32_t tgid)
{
	return &w->pulse[tgid % WIRE_PULSES];
}

void wire_pulse_read(struct wire *w, const struct wire_conn *c)
{
	struct wire_pulse *p = pulse_of(w, c->mine.tgid);

	if (!c->known)
		return;
	if (p->tgid != c->mine.tgid)
		*p = (struct wire_pulse){ .tgid = c->mine.tgid };
	p->relays |= p->strange >= LIMIT_SILENT_RECORDS && !p->asked;
	p->read_us = w->now_us;
	p->records = p->looks = 0;
	p->asked = false;
}

void wire_pulse_sent(struct wire *w, const struct wire_conn *c, uint64_t records)
{
	struct wire_pulse *p = pulse_of(w, c->mine.tgid);

	/* what nobody writes by a library that is read says nothing of the probes */
	if (!c->known || c->filtered || c->quic || c->ktls || p->tgid != c->mine.tgid ||
	    ledger_plain(c, DIR_WRITE) <= c->plain[DIR_WRITE])
		return;
	p->records += records;
	p->looks++;
	if (!c->mine.read && w->now_us - c->first_us > LIMIT_SILENT_MS * 1000)
		p->strange += records;
}

/* For some seconds, at several looks: a moment's delay is none. */
static bool is_silent(const struct wire *w, const struct wire_pulse *p)
{
	return p->tgid && !p->relays && p->records >= LIMIT_SILENT_RECORDS &&
	       p->looks >= LIMIT_SILENT_LOOKS && w->now_us - p->read_us >= LIMIT_SILENT_MS * 1000;
}

void wire_pulse_tick(struct wire *w)
{
	for (size_t i = 0; w->options.silent && i < WIRE_PULSES; i++) {
		struct wire_pulse *p = &w->pulse[i];
		if (!is_silent(w, p))
			continue;
		w->options.silent(w->options.ctx, p->tgid);
		w->stats.silent++;
		p->read_us = w->now_us;
		p->records = p->strange = p->looks = 0;
		p->asked = true;
	}
}
