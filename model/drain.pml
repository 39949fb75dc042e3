// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model of how the keeper of memalloc.c drains an allocator that nobody uses
 * any more.  2 CPUs, 3 objects.
 *
 * Property, a temporal formula:
 *
 *	drains	whatever the user left behind, some day the allocator is asleep
 *		for good, and nothing is left but free lists up to their low
 *		watermarks
 *
 * It begins in any state, reachable or not: with the objects wherever they
 * may be, waiting for any grace period, the keeper with any notes, and on the
 * keeper's list, for keeper.pml has shown that somebody puts it there.  The
 * irq_work that was still to come is over by then: nothing raises it any more.
 *
 * What is kept of memalloc.c: the numbers, with watermarks of 1 and 2 and a
 * batch of 2; the signature by which the keeper knows an idle CPU; what was idle
 * in the depot; who asks for which grace period, as none comes without.  What is
 * not: that the ring holds more than one batch, that RCU has two sequences of
 * grace periods, what happens in the middle of a round, and timers.
 *
 * Whoever can go on for ever does so some day (weak fairness).
 *
 * -DFLAVOR=REUSE, FREE_AFTER or NORMAL.  -DBREAK_...: a mistake that the
 * property must find.
 */

#define REUSE		1
#define FREE_AFTER	2
#define NORMAL		3
#ifndef FLAVOR
#define FLAVOR		REUSE
#endif

#define LOW		1
#define HIGH		2
#define BATCH		2

byte side[2], side_wait[2];
byte open[2];
byte ring[2], cookie[2];	/* ends of grace periods that are to come */
byte free[2];
bool changed[2];		/* since the keeper noted .seen */

byte depot, idle;		/* .count, .idle */
byte surplus, tracing, dead;
bool in_flight;

bool drowsy, visits = true;
byte pool_cookie, keeper_cookie;
bool gp;

bool begun;

#define left_at(c)	(side[c] || side_wait[c] || open[c] || ring[c] || free[c] > LOW)
#define left_behind	(left_at(0) || left_at(1) || depot || surplus || in_flight || dead)
#define asleep		(begun && !visits && !left_behind)

ltl drains { <> [] asleep }

#define snapshot	(1 + gp)
#define ready(c)	(ring[c] && !cookie[c])

/* ---- parts of a flush ---- */

/* cache_close() */
inline close(c)
{
	ring[c] = ring[c] + open[c];
	cookie[c] = snapshot;
	open[c] = 0;
	changed[c] = true
}

/* cache_collect_side() */
inline collect(c)
{
	changed[c] = changed[c] || side[c] || side_wait[c];
	free[c] = free[c] + side[c];
	side[c] = 0;
	open[c] = open[c] + side_wait[c];
	side_wait[c] = 0;
	if
	:: open[c] >= BATCH -> close(c)
	:: else
	fi
}

/* cache_harvest_one(); depot_put() and depot_put_dead() at once */
inline harvest(c)
{
	if
	:: FLAVOR == FREE_AFTER -> dead = dead + ring[c]
	:: FLAVOR != FREE_AFTER && free[c] < LOW -> free[c] = free[c] + ring[c]
	:: else -> depot = depot + ring[c]
	fi;
	ring[c] = 0;
	changed[c] = true
}

/* cache_cut_free() */
inline cut_free(c, keep)
{
	if
	:: free[c] > (keep) ->
		depot = depot + free[c] - (keep);
		free[c] = keep;
		changed[c] = true
	:: else
	fi
}

/* ---- keeper ---- */

#ifdef BREAK_SIGNATURE_IS_NEVER_NOTED
#define noted(c)	true
#else
#define noted(c)	false
#endif

/* cache_needs_flush() */
#define is_idle(c)	(!changed[c] && (open[c] || free[c] > LOW || (gp_done && ring[c])))

/* keeper_visit() of CPU @c, cache_flush() */
inline visit(c)
{
	flush = side[c] || side_wait[c] || is_idle(c);
	changed[c] = noted(c);
	waiting = waiting || open[c] || ring[c];
	if
	:: flush ->
		collect(c);
		if
		:: ready(c) -> harvest(c)
		:: else
		fi;
		cut_free(c, LOW);
#ifndef BREAK_FLUSH_LEAVES_OPEN
		if
		:: open[c] -> close(c)
		:: else
		fi;
#endif
		flush = false
	:: else
	fi
}

/* depot_trim() */
inline trim()
{
	depot = depot - idle;
	surplus = surplus + idle;
#ifdef BREAK_TRIM_NOTES_NO_IDLE
	idle = 0;
#else
	idle = depot;
#endif
	if
	:: surplus && !in_flight ->
		in_flight = true;
		tracing = surplus;
		surplus = 0
	:: else
	fi;
	dead = 0	/* to slab */
}

/* keeper_settle() */
inline settle()
{
	if
	:: left_behind -> drowsy = false
	:: !left_behind && !drowsy -> drowsy = true; pool_cookie = snapshot
	:: !left_behind && drowsy && !pool_cookie -> drowsy = false; visits = false
	:: else
	fi
}

/* keeper_fn(), keeper_round() */
proctype keeper()
{
	bool gp_done, waiting, flush;

	begun;
end:	do
	:: d_step { visits ->
		gp_done = !keeper_cookie;
		visit(0);
		visit(1);
		trim();
		settle();
#ifndef BREAK_KEEPER_ASKS_FOR_NO_GP
		keeper_cookie = (waiting && gp_done -> snapshot : keeper_cookie);
#endif
		waiting = false;
		gp_done = false }
	od
}

/* ---- grace periods ---- */

#define come_closer(n)	n = n - (n > 0)

proctype rcu()
{
	begun;
end:	do
	:: d_step { !gp && (pool_cookie || keeper_cookie) -> gp = true }
	:: d_step { gp ->
		gp = false;
		come_closer(pool_cookie);
		come_closer(keeper_cookie);
		come_closer(cookie[0]);
		come_closer(cookie[1]) }
	od
}

/* depot_trace_done() */
proctype tasks_trace()
{
	begun;
end:	do
	:: d_step { in_flight ->
		tracing = 0;	/* to slab */
#ifndef BREAK_DONE_STAYS_IN_FLIGHT
		in_flight = false
#endif
		}
	od
}

/* ---- the state to begin with ---- */

inline toss(what)
{
	if
	:: what = false
	:: what = true
	fi
}

inline toss_ends(what)
{
	if
	:: what = 0
	:: what = 1
	:: gp -> what = 2
	fi
}

inline toss_cpu(c)
{
	if
#if FLAVOR == NORMAL
	:: left -> side[c] = left; left = 0
#endif
	:: left -> side_wait[c]++; left--
	:: skip
	fi;
	if
	:: left -> open[c]++; left--
	:: skip
	fi;
	if
	:: left -> ring[c]++; left--; toss_ends(cookie[c])
	:: skip
	fi;
	if
	:: left -> free[c] = left; left = 0
	:: left -> free[c]++; left--
	:: skip
	fi;
	toss(changed[c])
}

inline toss_depot()
{
	if
	:: left -> depot = left; left = 0
	:: left -> depot++; left--
	:: skip
	fi;
	if
	:: idle = 0
	:: depot -> idle = 1
	:: depot > 1 -> idle = depot
	fi;
	if
	:: left -> surplus++; left--
	:: skip
	fi;
	if
	:: left -> tracing++; left--; in_flight = true
	:: in_flight = true
	:: skip
	fi;
	if
	:: left -> dead++; left--
	:: skip
	fi
}

init
{
	byte left = 3;

	atomic {
		toss(gp);
		toss_cpu(0);
		toss_cpu(1);
		toss_depot();
		left = 0;
		toss_ends(keeper_cookie);
		if
		:: drowsy = true; toss_ends(pool_cookie)
		:: skip
		fi;
		run keeper();
		run rcu();
		run tasks_trace();
		begun = true
	}
}
