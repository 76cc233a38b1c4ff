// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory type of device memory in the EPT.
 */
#include <linux/types.h>
#include <asm/pgtable_types.h>

#include "ept.h"
#include "memory_type.h"

/* Of the three bits that choose a PAT entry these are the same in pages of all sizes. */
static bool type_cached(pgprot_t prot)
{
	return !(pgprot_val(prot) & (_PAGE_PWT | _PAGE_PCD));
}

/* Without a PAT, write-combining is another name for uncached. */
static bool type_combining(pgprot_t prot)
{
	unsigned long bits = pgprot_val(prot) & _PAGE_CACHE_MASK;

	return bits == cachemode2protval(_PAGE_CACHE_MODE_WC) &&
	       bits != cachemode2protval(_PAGE_CACHE_MODE_UC_MINUS);
}

/**
 * vl_memory_type() - how the guest may cache memory mapped by page number
 * @vma: protection bits of the process's mapping
 * @entry: those of the page's own entry, in which the kernel may have corrected them
 * @ram: the page is RAM
 *
 * Uncached or write-combining as the process has it.  Neither ignores the guest's PAT:
 * on top of them it can make the page stricter or write-combining, and nothing that
 * caches (SDM vol. 3, 29.3.7.2: the type counts as that of an MTRR; table 12-7), so that a
 * guest's driver gets what it would get on the bare machine.  RAM that the host
 * caches is cached, whatever the guest's PAT says.
 *
 * Return: bits for vl_ept_map(), of VL_EPT_TYPE_MASK and VL_EPT_IGNORE_PAT;
 * VL_MEMORY_REFUSED: the process caches what is no RAM.
 */
u64 vl_memory_type(pgprot_t vma, pgprot_t entry, bool ram)
{
	if (type_combining(vma))
		return VL_EPT_TYPE_WC;
	if (!type_cached(vma) || !type_cached(entry))
		return VL_EPT_TYPE_UC;
	return ram ? VL_EPT_TYPE_WB | VL_EPT_IGNORE_PAT : VL_MEMORY_REFUSED;
}
