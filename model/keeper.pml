// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model of how an allocator of memalloc.c falls asleep and wakes up: who sets
 * and clears bpf_ma_pool.awake, when the keeper stops to visit, and whether
 * everything that a CPU leaves behind is found.  2 CPUs, 3 objects.
 *
 * What may be done with an object is in memalloc.pml, and whether the keeper's
 * visits get anywhere in drain.pml; here objects are only counted.
 *
 * Properties, each an assertion of that name:
 *
 *	not_stranded	while there is something for the keeper to move, it
 *		visits, or somebody is about to wake the allocator up
 *	added_once	the allocator is not put on keeper.woken twice
 *	not_visited	once retired it is on no list of the keeper any more
 *
 * What is kept of memalloc.c: watermarks of 1 and 2 and a batch of 2; every
 * access to @awake; the order in which the keeper looks at the places of
 * objects, one by one.  What is not:
 *
 * - Flavors.  A free may be of any kind, and where what was harvested goes is
 *   open.  Objects in the depot are not told apart by state: all are for the
 *   keeper to give back, and a refill may take any.
 * - When a batch is ready, and what the keeper moves: it may, at any time.
 * - The grace period of keeper_settle() is over when the sections that were
 *   under way when @awake was cleared are over: no grace period is shorter.
 * - The fast path, with preemption off: it adds to a magazine that is there, and the
 *   keeper sees.
 * - Memory ordering, but for one thing: a CPU may see @awake set before others
 *   see what it leaves behind in the same section with interrupts off.  Only a
 *   grace period orders the two.
 * - Timers and work items: the keeper runs when it has something to do.
 *
 * PREEMPT_RT is included: irq_work can be interrupted between its sections.
 *
 * -DBREAK_...: a mistake that a property must find.
 */

#define LOW		1
#define HIGH		2
#define BATCH		2

/* ---- objects ---- */

byte slab = 3;
byte live;
byte side[2];			/* .side, .side_wait */
byte open[2];
byte ring[2];			/* all batches of .ring */
byte free[2];
byte spare[2];			/* in the hand of irq_work */
byte depot;			/* in whatever state, the dead ones too */

/* ---- the allocator ---- */

bool awake, drowsy;
bool visits, woken;		/* on keeper.visits, on keeper.woken */
bool destroyed, retired;

bool in[2];			/* a section with interrupts off is under way */
bool covers[2];			/* and .cookie is for a grace period after it */
bool raised[2], working[2];	/* irq_work: pending; from then to its end */

/* ---- properties ---- */

bool not_stranded = true;
bool added_once = true;
bool not_visited = true;

inline must(what, cond)
{
	what = (cond);
	assert(what)
}

#define held_by(c)	(side[c] || open[c] || ring[c] || free[c] > LOW)
#define left_behind	(held_by(0) || held_by(1) || depot)
#define about(c)	(in[c] || raised[c] || working[c])

proctype monitor()
{
end:	if
	:: atomic { left_behind && !retired && !visits && !woken && !about(0) && !about(1) ->
		must(not_stranded, false) }
	:: atomic { retired && (visits || woken) ->
		must(not_visited, false) }
	fi
}

/* ---- sections with interrupts off ---- */

/*
 * A section that ends with a look at @awake is one step, unless the look comes
 * before what the section does, and finds it set.
 */
inline look_early()
{
	d_step { !in[c] && awake -> in[c] = true }
}

inline leave()
{
	in[c] = false;
	covers[c] = false
}

#define min(a, b)	((a) < (b) -> (a) : (b))

/* cache_close() */
inline close(c)
{
	ring[c] = ring[c] + open[c];
	open[c] = 0
}

/* cache_take_ready(), to the free list */
inline ripen(c)
{
	free[c] = free[c] + ring[c];
	ring[c] = 0
}

/* ---- the user ---- */

/* cache_free_now() */
inline free_now(sees_awake)
{
	free[c]++;
	raised[c] = raised[c] || free[c] > HIGH || (free[c] == LOW + 1 && !(sees_awake))
}

/* cache_free_waiting() */
#ifdef BREAK_FIRST_FREE_DOES_NOT_WAKE
#define is_first(n)	false
#else
#define is_first(n)	((n) == 1)
#endif

inline free_waiting(sees_awake)
{
	open[c]++;
	raised[c] = raised[c] ||
		    ((is_first(open[c]) || open[c] >= BATCH) && !(sees_awake));
	if
	:: open[c] >= BATCH -> close(c)
	:: else
	fi
}

/*
 * cache_alloc() and cache_free() on CPU @c.  A nested free may interrupt
 * anything, the others only what has interrupts on.
 */
proctype user(byte c)
{
end:	do
	/* cache_alloc(); with nothing there it is the call for a refill */
	:: d_step { !destroyed && !in[c] && free[c] ->
		raised[c] = raised[c] || free[c] <= LOW;
		free[c]--;
		live++ }
	:: d_step { !destroyed && !in[c] && !free[c] -> raised[c] = true }
	/* cache_is_low() */
	:: d_step { !destroyed && !in[c] && free[c] <= LOW && ring[c] -> ripen(c) }
	/* cache_free(), nested */
	:: d_step { !destroyed && live ->
		live--;
		side[c]++;
		raised[c] = true }
	/* cache_free() */
	:: d_step { !destroyed && live && !in[c] -> live--; free_waiting(awake) }
	:: d_step { !destroyed && live && !in[c] -> live--; free_now(awake) }
	:: atomic { !destroyed && live && !in[c] && awake -> look_early(); live-- }
		if
		:: d_step { free_waiting(true); leave() }
		:: d_step { free_now(true); leave() }
		fi
	od
}

/* ---- irq_work ---- */

/* cache_collect_side() */
inline collect(c, to)
{
	to = to + side[c];
	side[c] = 0;
	if
	:: open[c] >= BATCH -> close(c)
	:: else
	fi
}

/* The first section of cache_work_fn(), with one choice where there are some. */
inline tend()
{
	if
	:: collect(c, open[c])
	:: collect(c, free[c])
	fi;
	if
	:: ring[c] -> spare[c] = ring[c]; ring[c] = 0
	:: ring[c] && free[c] < LOW -> ripen(c)
	:: free[c] > HIGH -> spare[c] = free[c] - LOW; free[c] = LOW
	:: skip
	fi
}

/* cache_give(), cache_bury() */
inline give()
{
	depot = depot + spare[c];
	spare[c] = 0
}

/* depot_get(), else slab_take() */
inline get()
{
	if
	:: depot -> spare[c] = min(depot, BATCH); depot = depot - spare[c]
	:: else -> spare[c] = min(slab, BATCH); slab = slab - spare[c]
	fi
}

/* The last section of cache_refill() */
inline refill()
{
	free[c] = free[c] + spare[c];
	spare[c] = 0
}

#ifdef BREAK_WAKE_FIRST
#define is_last(more)	true
#else
#define is_last(more)	(!(more))
#endif

/*
 * cache_work_fn() on CPU @c.  At its end pool_wake(): to find @awake clear is
 * the same as the xchg() that follows; to find it set may happen early, but not
 * before the last section.
 */
proctype irq_work(byte c)
{
	bool low, seen_awake;

end:	do
	::	if
		:: atomic { raised[c] && !in[c] ->
			raised[c] = false;
			working[c] = true;
			tend();
			low = free[c] < LOW }
		:: d_step { raised[c] && !in[c] && awake ->
			raised[c] = false;
			working[c] = true;
			in[c] = true }
			atomic {
				tend();
				low = free[c] < LOW;
				seen_awake = is_last(spare[c] || low);
				leave() }
		fi;
		if
		:: d_step { spare[c] && !in[c] -> give() }
		:: atomic { spare[c] && is_last(low) && !in[c] && awake -> look_early() }
			d_step {
				give();
				seen_awake = true;
				leave() }
		:: !spare[c]
		fi;
		if
		:: low ->
			d_step { get(); low = false }
			if
			:: d_step { !in[c] -> refill() }
			:: look_early();
				d_step {
					refill();
					seen_awake = true;
					leave() }
			fi
		:: !low
		fi;
		if
		:: d_step { seen_awake -> seen_awake = false; working[c] = false }
		:: d_step { !seen_awake && awake -> working[c] = false }
		:: atomic { !seen_awake && !awake -> awake = true }
			d_step {
				must(added_once, !woken);
				woken = true;
				working[c] = false }
		fi
	od
}

/* ---- keeper ---- */

/* keeper_adopt_woken() */
inline adopt()
{
	woken = false;
#ifndef BREAK_ADOPT_STAYS_DROWSY
	drowsy = false;
#endif
	visits = true
}

inline flush(c)
{
	depot = depot + ring[c] + (free[c] > LOW -> free[c] - LOW : 0);
	ring[c] = 0;
	free[c] = min(free[c], LOW)
}

/*
 * cache_is_quiet(), without the side lists: who frees to one raises irq_work,
 * so to leave them out makes it harder.
 */
inline look_at_cpu(c)
{
#ifdef BREAK_LOOK_BACKWARDS
	if
	:: free[c] > LOW -> goto busy
	:: else
	fi;
	if
	:: ring[c] -> goto busy
	:: else
	fi;
	if
	:: open[c] -> goto busy
	:: else
	fi
#else
	if
	:: open[c] -> goto busy
	:: else
	fi;
	if
	:: ring[c] -> goto busy
	:: else
	fi;
	if
	:: free[c] > LOW -> goto busy
	:: else
	fi
#endif
}

inline forget()
{
	d_step {
		drowsy = false;
		visits = false;
		covers[0] = false;
		covers[1] = false
	}
}

#ifdef BREAK_SETTLE_WITHOUT_GP
#define gp_is_over	true
#else
#define gp_is_over	(!covers[0] && !covers[1])
#endif

#ifdef BREAK_SETTLE_TAKES_OVER
#define may_stay_awake	drowsy
#else
#define may_stay_awake	(drowsy && !awake)
#endif

/* keeper_settle(): the grace period has to be over before the look begins. */
inline settle()
{
	over = gp_is_over;
	look_at_cpu(0);
	look_at_cpu(1);
#ifndef BREAK_LOOK_NOT_AT_DEPOT
	if
	:: depot -> goto busy
	:: else
	fi;
#endif
	if
	:: !drowsy ->
		d_step {
			drowsy = true;
			awake = false;
			covers[0] = in[0];
			covers[1] = in[1]
		}
#ifdef BREAK_SETTLE_AT_ONCE
		forget()
#endif
#ifdef BREAK_SETTLE_LOOKS_FIRST
	:: drowsy && gp_is_over -> forget()
#else
	:: drowsy && over -> forget()
#endif
	:: else
	fi;
	goto settled;
busy:
	if
	:: atomic { may_stay_awake -> awake = true; drowsy = false; covers[0] = false; covers[1] = false }
	:: else
	fi
}

/* keeper_retire(), with the irq_work_sync() of each CPU */
inline retire()
{
#ifndef BREAK_RETIRE_DOES_NOT_SYNC
	!raised[0] && !working[0];
	!raised[1] && !working[1];
#endif
#ifndef BREAK_RETIRE_KEEPS_WOKEN
	d_step {
		if
		:: woken -> adopt()
		:: else
		fi
	}
#endif
	d_step { visits = false; retired = true }
}

/* keeper_fn() for this allocator, keeper_round(), keeper_visit() */
proctype keeper()
{
	bool over;

end:	do
	:: d_step { woken -> adopt() }
	:: d_step { !destroyed && !in[0] && !in[1] -> destroyed = true } retire()
	/* cache_flush(): what is on the side or open gets on, the rest goes */
	:: d_step { visits && !in[0] && (side[0] || open[0]) -> collect(0, open[0]); close(0) }
	:: d_step { visits && !in[1] && (side[1] || open[1]) -> collect(1, open[1]); close(1) }
	:: d_step { visits && !in[0] && (ring[0] || free[0] > LOW) -> flush(0) }
	:: d_step { visits && !in[1] && (ring[1] || free[1] > LOW) -> flush(1) }
	/* depot_trim() */
	:: d_step { visits && depot -> slab = slab + depot; depot = 0 }
	:: visits -> settle();
settled:	over = false
	od
}

init
{
	atomic {
		run user(0);
		run user(1);
		run irq_work(0);
		run irq_work(1);
		run keeper();
		run monitor()
	}
}
