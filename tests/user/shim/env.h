/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers from the environment. */
#ifndef _SHIM_ENV_H
#define _SHIM_ENV_H

#include <stdbool.h>

bool env_has(const char *name);
/* @otherwise when it is not set; the process ends when it is no number. */
unsigned long long env_number(const char *name, unsigned long long otherwise);

#endif
