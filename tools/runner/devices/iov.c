// SPDX-License-Identifier: GPL-2.0-only
/* Buffers in pieces. */
#include <string.h>

#include "iov.h"

/**
 * iov_size() - how long a buffer is
 * @iov: its pieces
 * @nr: how many
 *
 * Return: bytes.
 */
u64 iov_size(const struct iovec *iov, unsigned int nr)
{
	u64 size = 0;

	while (nr--)
		size += iov++->iov_len;
	return size;
}

/**
 * iov_read() - copy the beginning of a buffer out
 * @iov: its pieces
 * @nr: how many
 * @to: where to
 * @len: bytes wanted
 *
 * Return: bytes copied: fewer than @len if the buffer is shorter.
 */
size_t iov_read(const struct iovec *iov, unsigned int nr, void *to, size_t len)
{
	size_t done = 0;

	for (; nr && done < len; nr--, iov++) {
		size_t n = MIN(iov->iov_len, len - done);

		memcpy((char *)to + done, iov->iov_base, n);
		done += n;
	}
	return done;
}

/**
 * iov_write() - copy into the beginning of a buffer
 * @iov: its pieces
 * @nr: how many
 * @from: what
 * @len: bytes of it
 *
 * Return: bytes copied: fewer than @len if the buffer is shorter.
 */
size_t iov_write(const struct iovec *iov, unsigned int nr, const void *from, size_t len)
{
	size_t done = 0;

	for (; nr && done < len; nr--, iov++) {
		size_t n = MIN(iov->iov_len, len - done);

		memcpy(iov->iov_base, (const char *)from + done, n);
		done += n;
	}
	return done;
}

/**
 * iov_skip() - take bytes off the beginning
 * @iov: the pieces; the first may change
 * @nr: how many
 * @bytes: not more than there are
 */
void iov_skip(struct iovec **iov, unsigned int *nr, u64 bytes)
{
	while (*nr && bytes >= (*iov)->iov_len) {
		bytes -= (*iov)->iov_len;
		(*iov)++;
		(*nr)--;
	}
	if (*nr) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + bytes;
		(*iov)->iov_len -= bytes;
	}
}

/**
 * iov_cut() - take bytes off the end
 * @iov: the pieces; the last may change
 * @nr: how many
 * @bytes: not more than there are
 */
void iov_cut(struct iovec *iov, unsigned int *nr, u64 bytes)
{
	while (*nr && bytes >= iov[*nr - 1].iov_len)
		bytes -= iov[--*nr].iov_len;
	if (*nr)
		iov[*nr - 1].iov_len -= bytes;
}
