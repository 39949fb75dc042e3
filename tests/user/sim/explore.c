// SPDX-License-Identifier: GPL-2.0-only
/*
 * Systematic exploration: at every point of a short run, everything else that
 * could happen there does happen once.
 */
#include "../shim/env.h"
#include "sched.h"

#define POINTS_MAX	20000

static bool open;
static unsigned int nr_points;
static u8 ways[POINTS_MAX];	/* to go, at each point of the run */
static unsigned int special_point, special_way;

unsigned int explore_choose(unsigned int n)
{
	unsigned int point = nr_points;

	if (!open || n == 1)
		return 0;
	if (point == POINTS_MAX)
		shim_fail("too long a run to explore");
	ways[point] = n;
	nr_points++;
	return point == special_point ? special_way : 0;
}

void explore_begin(void)
{
	open = true;
}

void explore_end(void)
{
	open = false;
}

/* The seed tells where the run differs, so that SEED= repeats it. */
static void run_once(const struct sim_config *cfg, void (*run)(void), unsigned int point,
		     unsigned int way)
{
	special_point = point;
	special_way = way;
	nr_points = 0;
	sim_start(cfg, point * 256ULL + way);
	run();
	open = false;
}

unsigned int explore(const struct sim_config *cfg, void (*run)(void))
{
	unsigned int points, point, way, runs = 1;
	static u8 ways_of_plain_run[POINTS_MAX];

	if (env_has("SEED")) {
		u64 seed = env_number("SEED", 0);

		run_once(cfg, run, seed / 256, seed % 256);
		return UINT_MAX / 2;
	}
	run_once(cfg, run, 0, 0);
	points = nr_points;
	memcpy(ways_of_plain_run, ways, points);
	for (point = 0; point < points; point++)
		for (way = 1; way < ways_of_plain_run[point]; way++, runs++)
			run_once(cfg, run, point, way);
	return runs;
}
