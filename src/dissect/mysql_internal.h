/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The protocol of MySQL and MariaDB: what mysql.c (who answers what), mysql_request.c,
 * mysql_answer.c, mysql_value.c, mysql_zip.c and mysql_probe.c share. */
#ifndef CLEARTAP_MYSQL_INTERNAL_H
#define CLEARTAP_MYSQL_INTERNAL_H

#include "base/limits.h"
#include "base/unpack.h"
#include "dissect/in_order.h"
#include "dissect/sql.h"

#define MY_HEAD	   4 /* of a packet: three bytes of length, one of its number */
#define MY_KEEP	   (LIMIT_RENDERED_BYTES + 64)
#define MY_SPLIT   0xffffff /* bytes of a packet that another one goes on with */
#define MY_COLUMNS 32	    /* of a result that are shown */
#define MY_VALUE   4096	    /* bytes of a value that are shown */

/* Capabilities that a login agrees on, as far as they change how bytes are read. */
enum {
	MY_CAN_MYSQL = 1 << 0, /* not set: it is MariaDB's client, and has more of them */
	MY_CAN_DATABASE = 1 << 3,
	MY_CAN_COMPRESS = 1 << 5,
	MY_CAN_41 = 1 << 9,
	MY_CAN_SECURE = 1 << 15,
	MY_CAN_PLUGIN = 1 << 19,
	MY_CAN_ATTRIBUTES = 1 << 20,
	MY_CAN_LENENC = 1 << 21,
	MY_CAN_NO_EOF = 1 << 24,
	MY_CAN_NO_COLUMNS = 1 << 25,
	MY_CAN_ZSTD = 1 << 26,
	MY_CAN_QUERY_ATTRIBUTES = 1 << 27,
};

/* What answers a command. */
enum my_kind {
	MY_NONE,
	MY_PLAIN,   /* OK, or an error */
	MY_RESULT,  /* or rows, of which there may be several lists */
	MY_TEXT,    /* or a line of text */
	MY_FIELDS,  /* or descriptions of columns */
	MY_PREPARE, /* or a statement's number, and descriptions */
	MY_FETCH,   /* or rows of a list that began before */
	MY_LOGIN,   /* or more that is asked for */
	MY_BINLOG,  /* events without end */
};

struct my_command {
	const char *name; /* NULL: there is no such command */
	enum my_kind kind;
};

struct my_exchange {
	struct exchange x;
	const struct my_command *command; /* NULL: its request was not seen */
	struct buf line, status, error;
	struct buf sql;	    /* of what is prepared: masked, LIMIT_SQL_KEPT bytes */
	struct buf columns; /* of the list that goes on: see my_column */
	uint64_t secret;    /* parameters, as sql_put_masked() tells */
	uint32_t statement;
	bool numbered;	  /* `statement` is one */
	uint8_t answers;  /* number of the packet with which the answer begins */
	bool read, asked; /* the first packet of the request was; all were, but for: */
	bool keeps_open;  /* the client may have to send more for it */
	/* What the next packet of the answer is. */
	enum { MY_FIRST, MY_DEFINITION, MY_DEFINED, MY_ROW } next;
	uint8_t packet;		  /* its number */
	uint32_t total;		  /* columns */
	uint32_t left, left_then; /* definitions to come: of this list; of the next one */
	bool may_end;		  /* it may have ended, as far as anybody can tell */
	bool binary, listing, failed;
	uint64_t rows, shown; /* of the last list, and of it in the body */
	unsigned results;
	bool lists; /* there were rows, or could have been */
	uint64_t affected, insert_id;
	uint32_t warnings;
	uint16_t code;
	char sqlstate[6];
};

/* A packet around others, of the compressed protocol, until it is known what is in it. */
struct my_wrap {
	const uint8_t *data;
	size_t len;
	uint64_t offset, rest; /* rest: bytes that came and are not in `data` */
	uint64_t missing[2];   /* by enum gap_why */
	bool pending;
};

struct mysql {
	struct in_order o;
	struct my_exchange *asking;  /* whose request goes on with the next packet */
	struct my_exchange *sending; /* that gets what the client sends without being asked anew */
	struct my_exchange *answering; /* whose answer goes on */
	bool split[2];		       /* the packet goes on in the next one */
	bool spoke;		       /* a packet of the client was seen */
	uint32_t can;		       /* what the login agreed on, once it is seen */
	bool can_known;
	enum { MY_EOF_UNKNOWN, MY_EOF, MY_NO_EOF } eof; /* does one end definitions? */
	struct sql_statements statements;
	uint32_t prepared; /* number of the last one whose number was told */
	struct buf scratch;
	/* The compressed protocol, from the end of the login on. */
	bool zip, zip_seek[2];
	struct pdu_stream outer[2];
	struct my_wrap wrap[2];
};

static inline struct my_exchange *my_of(struct exchange *x)
{
	return (struct my_exchange *)x;
}

/* What its texts take counts. */
void my_count(struct my_exchange *x);

/* The packet of that number: what is left of it to read is in `u`. */
static inline struct unpack my_payload(const struct pdu *p)
{
	return unpack_at(p->data + MY_HEAD, p->len - MY_HEAD);
}

/* A number of variable length; UINT64_MAX is nothing. */
static inline uint64_t my_number(struct unpack *u)
{
	uint64_t v = unpack_le(u, 1);

	switch (v) {
	case 0xfb:
		return UINT64_MAX;
	case 0xfc:
		return unpack_le(u, 2);
	case 0xfd:
		return unpack_le(u, 3);
	case 0xfe:
		return unpack_le(u, 8);
	case 0xff:
		u->failed = true;
		u->left = 0;
		return 0;
	}
	return v;
}

/* `n` bytes; as many as there are where these are fewer, and it has failed. */
static inline struct text my_bytes(struct unpack *u, uint64_t n)
{
	struct text t = { (const char *)u->at, n < u->left ? (size_t)n : u->left };

	u->at += t.len;
	u->left -= t.len;
	u->failed |= t.len < n;
	return t;
}

static inline struct text my_string(struct unpack *u)
{
	uint64_t n = my_number(u);

	return my_bytes(u, n == UINT64_MAX ? 0 : n);
}

/* Up to a byte of zero, or the end. */
static inline struct text my_zero_string(struct unpack *u)
{
	const uint8_t *end = u->left ? memchr(u->at, 0, u->left) : NULL;
	struct text t = my_bytes(u, end ? (uint64_t)(end - u->at) : u->left);

	if (end)
		unpack_take(u, 1);
	return t;
}

/* mysql_request.c */
const struct my_command *my_command(uint8_t code);
int my_request_begin(struct mysql *m, const struct pdu *p);
int my_request_whole(struct mysql *m, const struct pdu *p);
/* Statements by their numbers. NULL: there is no such one, or no memory. */
#define MY_LAST_PREPARED UINT32_MAX
struct sql_statement *my_statement(const struct mysql *m, uint32_t id);
struct sql_statement *my_statement_new(struct mysql *m, uint32_t id, const struct my_exchange *x,
				       uint32_t parameters);

/* A line of the request's text, which `scratch` holds; as much of a text as is shown. */
void my_say_line(struct mysql *m, struct my_exchange *x);
void my_put_shown(struct buf *out, struct text t);

/* mysql_login.c */
void my_take_login(struct mysql *m, struct my_exchange *x, struct unpack *u);
/* Somebody else goes on with the connection. */
void my_take_user(struct mysql *m, struct my_exchange *x, struct unpack *u);

/* mysql_rows.c */
void my_say_answer(struct mysql *m, struct my_exchange *x); /* what `scratch` holds */
void my_begin_line(struct my_exchange *x);
/* How many columns a list has: what follows are descriptions of these. 0 or -EPROTO. */
int my_begin_columns(struct mysql *m, struct my_exchange *x, struct unpack u);
/* A description of a column; of the last one, what follows is a row. */
void my_take_definition(struct mysql *m, struct my_exchange *x, struct unpack u);
/* Descriptions go with the statement that they are of. */
void my_remember_columns(struct mysql *m, const struct my_exchange *x);
void my_begin_list(struct my_exchange *x);
void my_end_list(struct my_exchange *x);
void my_take_row(struct mysql *m, struct my_exchange *x, struct unpack *u);

/* mysql_answer.c */
int my_answer_begin(struct mysql *m, const struct pdu *p);
/* 1: the login has ended, and what follows is compressed. */
int my_answer_whole(struct mysql *m, const struct pdu *p);
/* Nothing more comes to the answer that goes on. */
void my_answer_end(struct mysql *m, struct my_exchange *x, int64_t now);

/* mysql_value.c */
struct my_column {
	struct text name;
	uint8_t type;
	bool is_unsigned, is_bytes;
};
/* A description of a column, whose first MY_COLUMNS are kept. */
void my_add_column(struct buf *columns, struct unpack u);
/* The next one; false: there is none. */
bool my_next_column(struct unpack *columns, struct my_column *ret);
/* A value as JSON has it. */
void my_put_text(struct buf *out, const struct my_column *c, struct text value);
void my_put_binary(struct buf *out, const struct my_column *c, struct unpack *u);

/* mysql_zip.c */
int my_zip_feed(struct mysql *m, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		int64_t now);
int my_zip_gap(struct mysql *m, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
	       int64_t now);
/* The bytes around what is told belong to the exchange that goes on. */
void my_zip_settle(struct mysql *m, enum dir dir, int64_t now);

/* mysql_probe.c */
int my_probe(enum dir dir, const uint8_t *data, size_t len);
int64_t my_length(const uint8_t *data, size_t len);
/* 1; 0: more bytes are needed to tell; -EPROTO. */
int my_resumes(bool request, const uint8_t *data, size_t len);
enum dir my_client_of(const struct first_bytes *first);
/* Is it what a client logs in with? */
int my_is_login(const uint8_t *data, size_t len);

#endif
