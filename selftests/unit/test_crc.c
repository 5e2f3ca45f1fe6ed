// SPDX-License-Identifier: GPL-2.0-only
/* CRC-32 against published values, whole and in pieces. */
#include <regent/crc.h>
#include "unit.h"

static void known_values(void **state)
{
	(void)state;
	assert_int_equal(crc32_update(0, "", 0), 0);
	assert_int_equal(crc32_update(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_update(0, "a", 1), 0xe8b7be43);
}

static void pieces_are_the_whole(void **state)
{
	u8 data[1000];
	unsigned int i;
	u32 crc = 0;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 256;
	for (i = 0; i < sizeof(data); i += 125)
		crc = crc32_update(crc, data + i, 125);
	assert_int_equal(crc, crc32_update(0, data, sizeof(data)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(pieces_are_the_whole),
	};

	return cmocka_run_group_tests_name("crc", tests, NULL, NULL);
}
