// SPDX-License-Identifier: GPL-2.0-only
/* Numbers from the environment. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "env.h"

bool env_has(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

unsigned long long env_number(const char *name, unsigned long long otherwise)
{
	const char *value = getenv(name);
	unsigned long long number;
	char *end;

	if (!env_has(name))
		return otherwise;
	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno || *end || !isdigit(*value)) {
		fprintf(stderr, "%s='%s': accepted is a number\n", name, value);
		exit(2);
	}
	return number;
}
