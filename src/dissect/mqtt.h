/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MQTT 3.1, 3.1.1 and 5: what the two files of it share. Sections are those of MQTT 5.0. */
#ifndef CLEARTAP_MQTT_H
#define CLEARTAP_MQTT_H

#include "base/limits.h"
#include "dissect/framed.h"

enum mqtt_type {
	MQTT_CONNECT = 1,
	MQTT_CONNACK,
	MQTT_PUBLISH,
	MQTT_PUBACK,
	MQTT_PUBREC,
	MQTT_PUBREL,
	MQTT_PUBCOMP,
	MQTT_SUBSCRIBE,
	MQTT_SUBACK,
	MQTT_UNSUBSCRIBE,
	MQTT_UNSUBACK,
	MQTT_PINGREQ,
	MQTT_PINGRESP,
	MQTT_DISCONNECT,
	MQTT_AUTH,
};

/* Topics that a direction has given numbers (3.3.2.3.4). */
struct mqtt_alias {
	uint16_t number; /* 0: none */
	uint16_t len;
	char *topic;
};

struct mqtt {
	struct framed f; /* first */
	uint8_t level;	 /* 3, 4 (3.1.1) or 5; 0: not known yet */
	struct mqtt_alias alias[2][LIMIT_MQTT_ALIASES];
};

struct mqtt_exchange {
	struct framed_exchange f; /* first */
	enum mqtt_type type;	  /* of its request */
	uint8_t level;
	bool failed;
	const char *status; /* a constant; NULL: none */
};

/* The packet id of an acknowledgement or of a request that has one; `qos` of a PUBLISH. */
static inline unsigned mqtt_qos(uint8_t first)
{
	return first >> 1 & 3;
}

/*
 * Read the packet, as far as it is there, into the message that it belongs to; `x` learns how the
 * exchange ended, and the connection its version and its topics' numbers.
 */
void mqtt_read(struct mqtt *m, enum dir dir, const struct pdu *p, struct mqtt_exchange *x,
	       struct message *msg);
void mqtt_forget_aliases(struct mqtt *m, enum dir dir);

#endif
