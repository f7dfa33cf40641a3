/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfi_entry: the entry of .eh_frame for a function.
 *
 * The form of call frame information that the Linux Standard Base calls .eh_frame, found through
 * .eh_frame_hdr. The bytes are the program's own, so they are no enemy's; still nothing is read outside
 * of the object that they belong to, for unloading or damage may have made anything of them.
 *
 *   Runs in   the target, inside malloc
 *   Locks     none
 *   Memory    the stack
 *   Calls     _dl_find_object
 *   Failure   null or false: never a guess
 */
#include "lib/record/cfi_entry.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "lib/record/cfi_cursor.h"

#include "lib/base/poison.h"

enum pointer_encoding {
	ENCODING_FORMAT = 0x0f,
	ENCODING_ULEB = 0x01,
	ENCODING_U2 = 0x02,
	ENCODING_U4 = 0x03,
	ENCODING_U8 = 0x04,
	ENCODING_SLEB = 0x09,
	ENCODING_S2 = 0x0a,
	ENCODING_S4 = 0x0b,
	ENCODING_S8 = 0x0c,
	ENCODING_BASE = 0x70,
	ENCODING_PC_RELATIVE = 0x10,
	ENCODING_DATA_RELATIVE = 0x30,
	ENCODING_TABLE = ENCODING_DATA_RELATIVE | ENCODING_S4, /* what linkers write */
};

uint64_t cfi_entry_pointer(struct cfi_cursor *cursor, uint8_t encoding, uint64_t data_base)
{
	uint64_t base = 0, value;

	if ((encoding & ENCODING_BASE) == ENCODING_PC_RELATIVE)
		base = (uint64_t)cursor->next;
	else if ((encoding & ENCODING_BASE) == ENCODING_DATA_RELATIVE)
		base = data_base;
	switch (encoding & ENCODING_FORMAT) {
	case 0:
	case ENCODING_U8:
	case ENCODING_S8:
		value = CFI_CURSOR_AS(uint64_t, cursor);
		break;
	case ENCODING_ULEB:
		value = cfi_cursor_uleb(cursor);
		break;
	case ENCODING_U2:
		value = CFI_CURSOR_AS(uint16_t, cursor);
		break;
	case ENCODING_U4:
		value = CFI_CURSOR_AS(uint32_t, cursor);
		break;
	case ENCODING_SLEB:
		value = (uint64_t)cfi_cursor_sleb(cursor);
		break;
	case ENCODING_S2:
		value = (uint64_t)(int64_t)CFI_CURSOR_AS(int16_t, cursor);
		break;
	case ENCODING_S4:
		value = (uint64_t)(int64_t)CFI_CURSOR_AS(int32_t, cursor);
		break;
	default:
		cursor->is_bad = true;
		return 0;
	}
	return value + base;
}

static bool read_augmentation(struct cfi_cursor *cursor, const char *augmentation,
			      struct cfi_entry *entry)
{
	struct cfi_cursor data;
	uint64_t bytes;

	if (*augmentation == 0)
		return true;
	if (*augmentation != 'z')
		return false;
	entry->has_augmentation_data = true;
	bytes = cfi_cursor_uleb(cursor);
	data.next = cfi_cursor_take(cursor, bytes);
	data.end = cursor->next;
	data.is_bad = false;
	if (cursor->is_bad)
		return false;
	while (*++augmentation != 0) {
		switch (*augmentation) {
		case 'R':
			entry->pointer_encoding = cfi_cursor_byte(&data);
			break;
		case 'L':
			cfi_cursor_byte(&data);
			break;
		case 'P':
			cfi_entry_pointer(&data, cfi_cursor_byte(&data), 0);
			break;
		case 'S':
			entry->is_signal_frame = true;
			break;
		case 'B': /* aarch64: return addresses are signed with the B key */
			break;
		default:
			return false;
		}
	}
	return !data.is_bad;
}

/* A length-prefixed entry (CIE or FDE) at `start`; 64-bit DWARF does not occur in .eh_frame. */
static bool open_entry(const struct cfi_object *object, const uint8_t *start,
		       struct cfi_cursor *cursor)
{
	uint32_t bytes;

	if (start < object->start || start > object->end - sizeof(bytes))
		return false;
	memcpy(&bytes, start, sizeof(bytes));
	*cursor = (struct cfi_cursor){.next = start + 4, .end = start + 4 + bytes};
	return bytes != 0 && bytes != UINT32_MAX && cursor->end <= object->end;
}

/* mov $__NR_rt_sigreturn,%rax; syscall: glibc's __restore_rt. Its FDE begins one byte before it, so
 * that the return address - 1 is covered. */
static bool is_sigreturn(const struct cfi_entry *entry)
{
	static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	const uint8_t *start = (const uint8_t *)entry->start;

	return entry->range > sizeof(code) && start >= entry->object.code_start &&
	       start < entry->object.code_end - sizeof(code) &&
	       (memcmp(start + 1, code, sizeof(code)) == 0 ||
		memcmp(start, code, sizeof(code)) == 0);
}

__attribute__((noinline)) bool cfi_entry_read(const uint8_t *start, struct cfi_entry *entry)
{
	const struct cfi_object *object = &entry->object;
	struct cfi_cursor fde, cie;
	const uint8_t *cie_start;
	const char *augmentation;
	uint32_t distance;
	uint8_t version;

	if (!open_entry(object, start, &fde))
		return false;
	cie_start = fde.next;
	distance = CFI_CURSOR_AS(uint32_t, &fde);
	if (distance == 0 || !open_entry(object, cie_start - distance, &cie))
		return false;
	if (CFI_CURSOR_AS(uint32_t, &cie) != 0)
		return false;
	version = cfi_cursor_byte(&cie);
	if (version != 1 && version != 3)
		return false;
	augmentation = (const char *)cie.next;
	while (cfi_cursor_byte(&cie) != 0 && !cie.is_bad)
		;
	entry->pointer_encoding = 0;
	entry->is_signal_frame = entry->is_kernel_frame = entry->has_augmentation_data = false;
	entry->code_align = cfi_cursor_uleb(&cie);
	entry->data_align = cfi_cursor_sleb(&cie);
	/* The return address register. */
	if ((version == 1 ? cfi_cursor_byte(&cie) : cfi_cursor_uleb(&cie)) != CFI_RETURN)
		return false;
	if (cie.is_bad || !read_augmentation(&cie, augmentation, entry))
		return false;
	entry->initial_instructions = cie;
	entry->start = cfi_entry_pointer(&fde, entry->pointer_encoding, 0);
	entry->range = cfi_entry_pointer(&fde, entry->pointer_encoding & ENCODING_FORMAT, 0);
	if (entry->has_augmentation_data)
		cfi_cursor_take(&fde, cfi_cursor_uleb(&fde));
	entry->instructions = fde;
	entry->is_kernel_frame = entry->is_signal_frame && is_sigreturn(entry);
	return !fde.is_bad && !cie.is_bad;
}

/* As the linker aligned it, unless it is damaged. */
static int32_t number_at(const uint8_t *table, uint64_t index)
{
	int32_t number;

	memcpy(&number, table + index * sizeof(number), sizeof(number));
	return number;
}

/* The sorted table of .eh_frame_hdr: pairs of (start of function, FDE), relative to the header. */
static const uint8_t *find_in_table(const struct cfi_object *object, const uint8_t *header,
				    uint64_t pc)
{
	struct cfi_cursor cursor = {.next = header, .end = object->end};
	int64_t wanted = (int64_t)(pc - (uint64_t)header);
	const uint8_t *encodings = cfi_cursor_take(&cursor, 4);
	const uint8_t *table;
	uint64_t low = 0, high;

	if (encodings[0] != 1 || encodings[3] != ENCODING_TABLE)
		return NULL;
	cfi_entry_pointer(&cursor, encodings[1], (uint64_t)header);
	high = cfi_entry_pointer(&cursor, encodings[2], (uint64_t)header);
	table = cursor.next;
	if (cursor.is_bad || high == 0 || high > (uint64_t)(object->end - cursor.next) / 8 ||
	    wanted < number_at(table, 0))
		return NULL;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (number_at(table, 2 * middle) <= wanted)
			low = middle;
		else
			high = middle;
	}
	return header + number_at(table, 2 * low + 1);
}

__attribute__((noinline)) const uint8_t *cfi_entry_find(uint64_t pc, struct cfi_object *object)
{
	struct dl_find_object found;

	if (_dl_find_object((void *)pc, &found) != 0 || found.dlfo_eh_frame == NULL)
		return NULL;
	object->code_start = found.dlfo_map_start;
	object->code_end = found.dlfo_map_end;
	/* Of an object with gaps between its segments that is the one with the code. The unwind
	 * data lie together in another. */
	if (((uintptr_t)found.dlfo_eh_frame < (uintptr_t)found.dlfo_map_start ||
	     (uintptr_t)found.dlfo_eh_frame >= (uintptr_t)found.dlfo_map_end) &&
	    _dl_find_object(found.dlfo_eh_frame, &found) != 0)
		return NULL;
	object->start = found.dlfo_map_start;
	object->end = found.dlfo_map_end;
	return find_in_table(object, found.dlfo_eh_frame, pc);
}
