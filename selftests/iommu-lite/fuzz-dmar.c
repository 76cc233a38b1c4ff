// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer target for the DMAR parser. ASan watches reads outside the table;
 * the target itself checks what the walk promises about its results.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../../drivers/iommu-lite/dmar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int bytes_seen;

static int visit(struct dmar_walk *walk, const struct dmar_entry *e)
{
	struct dmar_scope scope;
	unsigned int i, sum = 0;
	u32 position = 0;

	if (e->offset + e->length > walk->table.length)
		abort();
	bytes_seen += e->length;
	while (dmar_next_scope(e, &position, &scope)) {
		if (!scope.hops)
			abort();
		for (i = 0; i < 2u * scope.hops; i++)
			sum += scope.path[i];
	}
	if (position != e->scopes_length || sum > 2u * 255 * e->length)
		abort();
	if (e->name && strlen(e->name) + 8 >= e->length)
		abort();
	return 0;
}

/* Nearly all random input has a wrong checksum: repair it */
static void repair(uint8_t *copy, size_t size)
{
	uint8_t sum = 0;
	size_t i, length;

	if (size < 48)
		return;
	length = copy[4] | copy[5] << 8;
	if (length < 48 || length > size)
		length = size;
	memcpy(copy, "DMAR", 4);
	copy[4] = length;
	copy[5] = length >> 8;
	copy[6] = 0;
	copy[7] = 0;
	copy[9] = 0;
	for (i = 0; i < length; i++)
		sum += copy[i];
	copy[9] = -sum;
}

static void walk_once(const uint8_t *data, size_t size)
{
	struct dmar_walk walk = {
		.handler = { visit, visit, visit, visit, visit, visit, visit },
		.unknown = visit,
	};
	int ret;

	bytes_seen = 0;
	ret = dmar_walk_table(&walk, data, size);
	if (!ret && (walk.error || bytes_seen + 48 != walk.table.length))
		abort();
	if (ret && (!walk.error || (size && walk.error_offset >= size)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	walk_once(data, size);
	if (size > DMAR_MAX_LENGTH - 1)
		return 0;
	copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	repair(copy, size);
	walk_once(copy, size);
	free(copy);
	return 0;
}
