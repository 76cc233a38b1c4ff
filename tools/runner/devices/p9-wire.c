// SPDX-License-Identifier: GPL-2.0-only
/*
 * What 9P messages are made of: little-endian numbers, and strings with a length
 * before them. A buffer that is too short remembers it, so that callers ask once.
 */
#include <errno.h>
#include <string.h>

#include "p9.h"

/**
 * p9_get_bytes() - take bytes off a request
 * @buf: the request
 * @len: how many
 *
 * Return: where they are; NULL, and @buf->error is set, if there are fewer.
 */
u8 *p9_get_bytes(struct p9_buffer *buf, u32 len)
{
	u8 *at = buf->data + buf->pos;

	if (buf->error || len > buf->size - buf->pos) {
		if (!buf->error)
			buf->error = -EBADMSG;
		return NULL;
	}
	buf->pos += len;
	return at;
}

static u64 get(struct p9_buffer *buf, u32 len)
{
	const u8 *at = p9_get_bytes(buf, len);
	u64 value = 0;

	if (at)
		memcpy(&value, at, len);
	return value;
}

/**
 * p9_get8() - take a number of 8 bits off a request
 * @buf: the request
 *
 * Return: the number; 0, and @buf->error is set, if there is none.
 */
u8 p9_get8(struct p9_buffer *buf)
{
	return get(buf, 1);
}

/**
 * p9_get16() - p9_get8() of 16 bits
 * @buf: the request
 *
 * Return: the number, or 0.
 */
u16 p9_get16(struct p9_buffer *buf)
{
	return get(buf, 2);
}

/**
 * p9_get32() - p9_get8() of 32 bits
 * @buf: the request
 *
 * Return: the number, or 0.
 */
u32 p9_get32(struct p9_buffer *buf)
{
	return get(buf, 4);
}

/**
 * p9_get64() - p9_get8() of 64 bits
 * @buf: the request
 *
 * Return: the number, or 0.
 */
u64 p9_get64(struct p9_buffer *buf)
{
	return get(buf, 8);
}

/**
 * p9_get_string() - take a string off a request
 * @buf: the request; @buf->error is set if the string has a NUL or is too long
 * @to: out: the string; empty after an error
 * @size: bytes of @to
 */
void p9_get_string(struct p9_buffer *buf, char *to, u32 size)
{
	u32 len = p9_get16(buf);
	const u8 *at = p9_get_bytes(buf, len);

	*to = '\0';
	if (!at)
		return;
	if (len >= size) {
		buf->error = -ENAMETOOLONG;
		return;
	}
	if (memchr(at, '\0', len)) {
		buf->error = -EINVAL;
		return;
	}
	memcpy(to, at, len);
	to[len] = '\0';
}

/**
 * p9_get_name() - take the name of a directory's entry off a request
 * @buf: the request; @buf->error is set if the string is no name
 * @name: out: the name, which is neither "." nor ".."
 */
void p9_get_name(struct p9_buffer *buf, char name[NAME_MAX + 1])
{
	p9_get_string(buf, name, NAME_MAX + 1);
	if (buf->error)
		return;
	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		buf->error = -EINVAL;
}

static void put(struct p9_buffer *buf, const void *data, u32 len)
{
	u8 *at = p9_get_bytes(buf, len);

	if (at)
		memcpy(at, data, len);
}

/**
 * p9_put8() - add a number of 8 bits to a reply
 * @buf: the reply; @buf->error is set if there is no room
 * @value: the number
 */
void p9_put8(struct p9_buffer *buf, u8 value)
{
	put(buf, &value, sizeof(value));
}

/**
 * p9_put16() - p9_put8() of 16 bits
 * @buf: the reply
 * @value: the number
 */
void p9_put16(struct p9_buffer *buf, u16 value)
{
	put(buf, &value, sizeof(value));
}

/**
 * p9_put32() - p9_put8() of 32 bits
 * @buf: the reply
 * @value: the number
 */
void p9_put32(struct p9_buffer *buf, u32 value)
{
	put(buf, &value, sizeof(value));
}

/**
 * p9_put64() - p9_put8() of 64 bits
 * @buf: the reply
 * @value: the number
 */
void p9_put64(struct p9_buffer *buf, u64 value)
{
	put(buf, &value, sizeof(value));
}

/**
 * p9_put_string() - add a string to a reply
 * @buf: the reply; @buf->error is set if there is no room
 * @text: the string, shorter than 64 KiB
 */
void p9_put_string(struct p9_buffer *buf, const char *text)
{
	p9_put16(buf, strlen(text));
	put(buf, text, strlen(text));
}
