/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and types of messages from a FileDescriptorSet (descriptor.proto), as `protoc -o` writes.
 */
#ifndef CLEARTAP_PROTO_SET_H
#define CLEARTAP_PROTO_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct jw;
struct proto_set;

/* The numbers of FieldDescriptorProto.Type. */
enum proto_type {
	PROTO_UNKNOWN,
	PROTO_DOUBLE,
	PROTO_FLOAT,
	PROTO_INT64,
	PROTO_UINT64,
	PROTO_INT32,
	PROTO_FIXED64,
	PROTO_FIXED32,
	PROTO_BOOL,
	PROTO_STRING,
	PROTO_GROUP,
	PROTO_MESSAGE,
	PROTO_BYTES,
	PROTO_UINT32,
	PROTO_ENUM,
	PROTO_SFIXED32,
	PROTO_SFIXED64,
	PROTO_SINT32,
	PROTO_SINT64,
	PROTO_TYPES,
};

struct proto_field {
	uint32_t number;
	enum proto_type type;
	bool repeated;
	struct text name, type_name; /* of messages and enums, without the dot in front */
};

/* Zero-initialised: an empty set. Texts lie in the data that was read. */
int proto_set_new(struct proto_set **ret);
void proto_set_free(struct proto_set *s);
/* Before anything is added: names, and rows, take at most so many bytes. */
void proto_set_bound(struct proto_set *s, size_t bytes);
/*
 * Add the descriptors of a file, before the set is used. 0, -EINVAL: it is no FileDescriptorSet,
 * -E2BIG: past a bound, -ENOMEM; with a sentence in error.
 */
int proto_set_add(struct proto_set *s, const void *data, size_t len, char *error,
		  size_t error_size);
/* Read a file and add it; or -errno. */
int proto_set_read(struct proto_set *s, const char *path, char *error, size_t error_size);
/* All is added: names can be looked up from here on. */
void proto_set_sort(struct proto_set *s);

/* NULL when there is none. `s` may be NULL. Names are as in "package.Message.Nested". */
struct proto_message;
const struct proto_message *proto_set_message(const struct proto_set *s, struct text name);
const struct proto_field *proto_message_field(const struct proto_set *s,
					      const struct proto_message *m, uint32_t number);
/* The name of an enum's value; data NULL when there is none. */
struct text proto_set_value(const struct proto_set *s, struct text enum_name, int32_t number);
/* The full name of the message that a method of a service takes or gives; gRPC asks for it. */
struct text proto_set_method(const struct proto_set *s, struct text service, struct text method,
			     bool answer);
size_t proto_set_count(const struct proto_set *s);

/*
 * Write a message as a tree (body_json.h) into `out` as one value. The type is a name or NULL; the
 * set may be NULL. 0 or -ENOMEM.
 */
int protobuf_tree(const struct proto_set *s, const char *message_type_or_NULL, const uint8_t *data,
		  size_t len, struct jw *out);

#endif
