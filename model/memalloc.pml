// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model of where the objects of one allocator of memalloc.c may be, and when
 * they may move on: batches and cookies, both kinds of grace period, the depot,
 * robbing, and destroy.  2 CPUs, 3 objects, one reader of each kind.
 *
 * Whether the keeper comes at all is in keeper.pml, and whether its visits get
 * anywhere in drain.pml.
 *
 * Properties, each an assertion of that name:
 *
 *	not_reused_under_reader	 an object is not handed out while an RCU reader
 *		holds it since before a free that promises to wait
 *	not_slab_under_rcu	 nor does it go to slab while an RCU reader holds it
 *	not_slab_under_trace	 nor while a tasks-trace reader does, unless the
 *		flavor is FREE_AFTER, whose sleepable readers use RCU
 *	one_place	 an object is in one place, not none and not two, so that
 *		it goes back to slab once for each time it was taken
 *	all_home	 when destroy ends everything has gone back to slab but
 *		what the user itself returns with bpf_mem_cache_raw_free()
 *	pool_alive	 nobody is told of a grace period, and no raw free comes, after the release
 *
 * and no run may stop anywhere but at the release ("invalid end state").
 *
 * What is kept of memalloc.c: which list hands what to which, what is decided
 * under which lock, and what waits for which grace period.  What is not:
 *
 * - Numbers.  Where memalloc.c compares a count with a watermark, or takes so
 *   many objects, the model may go either way and take any number.  So it also
 *   covers every ordering of the parts of an irq_work or a flush, and every
 *   run of one that does nothing.
 * - Order within a list.  Whatever takes one object may take any.
 * - Memory ordering.  Steps are atomic and seen at once.  Lists have one owner
 *   or a lock, and a cookie is taken with a full barrier.
 * - The ring holds 2 batches instead of 4: the full ring is the harder case.
 * - Grace periods come without being asked for, as others may have asked.
 * - Sections with interrupts off delay no grace period: that makes it harder.
 *
 * Objects are interchangeable and so are the CPUs: done() renames both so that
 * of several states that differ in names alone, one is searched.
 *
 * -DFLAVOR=REUSE, FREE_AFTER or NORMAL; NORMAL frees each object at once or, as
 * bpf_mem_free_rcu() does, after a grace period.  -DBREAK_...: a mistake that a
 * property must find.  -DNO_RENAMING: search all states, to check the renaming itself.
 */

#define REUSE		1
#define FREE_AFTER	2
#define NORMAL		3
#ifndef FLAVOR
#define FLAVOR		REUSE
#endif

/* ---- objects and where they are ---- */

#define SLAB		(1 << 0)
#define LIVE		(1 << 1)	/* handed out, and readers can find it */
#define RAW		(1 << 2)	/* unlinked; the user will free it raw */
#define DEPOT		(1 << 3)	/* bpf_ma_depot: batches */
#define SURPLUS		(1 << 4)
#define TRACING		(1 << 5)
#define DEAD		(1 << 6)
#define KEEPERS		(1 << 7)	/* in the hand of cache_flush() */
/* Of CPU @c; mirror() wants the two CPUs side by side. */
#define FREE(c)		(1 << (8 + (c)))
#define RESERVE(c)	(1 << (10 + (c)))
#define OPEN(c)		(1 << (12 + (c)))
#define OLD(c)		(1 << (14 + (c)))	/* ring[first] */
#define YOUNG(c)	(1 << (16 + (c)))	/* the other one of the ring */
#define SIDE(c)		(1 << (18 + (c)))
#define SIDE_WAIT(c)	(1 << (20 + (c)))
#define SPARE(c)	(1 << (22 + (c)))	/* in the hand of irq_work: batches, */
#define SPARE_DEAD(c)	(1 << (24 + (c)))	/* dead objects, */
#define REFILL(c)	(1 << (26 + (c)))	/* and a refill */
#define PLACES		((1 << 28) - 1)

/* Of a reader that looked the object up and is still inside. */
#define RCU_HOLDS	(1 << 28)
#define TRACE_HOLDS	(1 << 29)
#define PROMISED	(1 << 30)	/* freed meanwhile, with a promise to wait */

#define IN_HAND(c)	(SPARE(c) | SPARE_DEAD(c) | REFILL(c))
#define OF_CACHE(c)	(FREE(c) | RESERVE(c) | OPEN(c) | OLD(c) | YOUNG(c) | \
			 SIDE(c) | SIDE_WAIT(c))

/* Sorted.  A list is not a set of its own: a list of X is who has bit X. */
int at[3] = SLAB;

#define any(places)	((at[0] | at[1] | at[2]) & (places))
#define both(i, x, y)	(at[i] & (x) && at[i] & (y))
#define any_both(x, y)	(both(0, x, y) || both(1, x, y) || both(2, x, y))

/* ---- grace periods and the life of the allocator ---- */

/*
 * RCU has two sequences of grace periods, one normal and one expedited, and
 * struct rcu_gp_seq waits for what comes first.  A cookie here counts how
 * many ends are still to come of either: one, or two if a grace period is under
 * way, which may have begun too early.  0 when it is over.
 */
#define EXPEDITED	4
#define normal_ends(n)	((n) & 3)
#define exp_ends(n)	((n) >> 2)

byte old[2], young[2];		/* cookies of OLD and YOUNG */
bool gp[2], gp_waits[2];	/* under way; the reader was in when it began */
bool rcu_in;			/* the RCU reader is inside */

bool tt, tt_waits, tt_waits_rcu;	/* the same for tasks trace */
bool trace_in;

/* Who waits for tasks trace: has asked; a grace period that began later runs; it is over. */
#define ASKS_NOT	0
#define ASKED		1
#define COVERED		2
#define TRACED		3
byte depot_traced, pool_traced;

bool ended;			/* pool_trace_done() was called */

#define RUN		0	/* in use */
#define DESTROYED	1	/* bpf_mem_alloc_destroy() was called */
#define RETIRED		2	/* keeper_retire() is through */
#define FINISHED	3	/* keeper_finish() returned the dead */
#define RELEASED	4	/* pool_release() */
byte life;
bool dismantled[2];

/* ---- properties ---- */

bool not_reused_under_reader = true;
bool not_slab_under_rcu = true;
bool not_slab_under_trace = true;
bool one_place = true;
bool all_home = true;
bool pool_alive = true;

inline must(what, cond)
{
	what = (cond);
	assert(what)
}

/* ---- steps ---- */

byte o;				/* the object that a step is about, else 0 */
hidden int t, m[3];

#define order(a, i, j) \
	if \
	:: a[i] > a[j] -> t = a[i]; a[i] = a[j]; a[j] = t \
	:: else \
	fi
#define sort(a)		order(a, 0, 1); order(a, 1, 2); order(a, 0, 1)
#define exchange(a)	t = a[0]; a[0] = a[1]; a[1] = t

#define OF_CPU(c)	(IN_HAND(c) | OF_CACHE(c))
#define mirror(x)	(((x) & ~(OF_CPU(0) | OF_CPU(1))) | \
			 (((x) & OF_CPU(0)) << 1) | (((x) & OF_CPU(1)) >> 1))
#define single(x)	((x) && !((x) & ((x) - 1)))
#define rest(c)		(dismantled[c] << 8 | old[c] << 4 | young[c])

/* Ends every step: checks that nothing is lost or twice there, renames. */
inline done()
{
	must(one_place, single(at[0] & PLACES) && single(at[1] & PLACES) &&
			single(at[2] & PLACES));
	o = 0;
#ifndef NO_RENAMING
	sort(at);
#ifndef BREAK_COOKIE_EARLY	/* has a state of its own per CPU */
	m[0] = mirror(at[0]);
	m[1] = mirror(at[1]);
	m[2] = mirror(at[2]);
	sort(m);
	if
	:: m[0] < at[0] || (m[0] == at[0] && (m[1] < at[1] || (m[1] == at[1] &&
	   (m[2] < at[2] || (m[2] == at[2] && rest(1) < rest(0)))))) ->
		at[0] = m[0];
		at[1] = m[1];
		at[2] = m[2];
		exchange(old);
		exchange(young);
		exchange(dismantled)
	:: else
	fi
#endif
#endif
}

/* Of equal objects, which are neighbours in the order, one will do. */
inline pick(places)
{
	if
	:: at[0] & (places) -> o = 0
	:: at[1] & (places) && at[1] != at[0] -> o = 1
	:: at[2] & (places) && at[2] != at[1] -> o = 2
	fi
}

#define moved(x, from, to)	(x & (from) -> (x & ~(from)) | (to) : x)

inline move(from, to)
{
	at[o] = moved(at[o], from, to)
}

inline splice(from, to)
{
	at[0] = moved(at[0], from, to);
	at[1] = moved(at[1], from, to);
	at[2] = moved(at[2], from, to)
}

/* slab_return() */
inline to_slab(from)
{
	must(not_slab_under_rcu, !any_both(from, RCU_HOLDS));
	must(not_slab_under_trace, !any_both(from, TRACE_HOLDS));
#ifdef BREAK_RETURN_TWICE
	at[0] = at[0] | (at[0] & (from) -> SLAB : 0);
	at[1] = at[1] | (at[1] & (from) -> SLAB : 0);
	at[2] = at[2] | (at[2] & (from) -> SLAB : 0)
#else
	splice(from, SLAB)
#endif
}

/* get_state_synchronize_rcu_full() */
#ifdef BREAK_COOKIE_RUNNING_GP
#define next_end(s)	1
#else
#define next_end(s)	(1 + gp[s])
#endif
#define snapshot	(next_end(0) + EXPEDITED * next_end(1))

#ifdef BREAK_COOKIE_EARLY
byte opened[2];			/* cookie from when OPEN got its first object */
#define cookie(c)	opened[c]
#define note_opened(c)	opened[c] = (any(OPEN(c)) -> opened[c] : snapshot)
#else
#define cookie(c)	snapshot
#define note_opened(c)	skip
#endif

/* cache_close() */
inline close(c)
{
	if
	:: any(OLD(c)) && any(YOUNG(c)) ->
		splice(OPEN(c), YOUNG(c));
#ifndef BREAK_MERGE_KEEPS_COOKIE
		young[c] = cookie(c)
#endif
	:: any(OLD(c)) && !any(YOUNG(c)) && old[c] != cookie(c) ->
		splice(OPEN(c), YOUNG(c));
		young[c] = cookie(c)
	:: else ->	/* the first one, or of the same cookie as the only one */
		splice(OPEN(c), OLD(c));
		old[c] = cookie(c)
	fi
}

/*
 * cache_has_ready(), cache_has_surplus(): the second one asks only the second
 * batch, so cookies have to be in order of age.
 */
#ifdef BREAK_NO_POLL
#define ready(c)	any(OLD(c))
#else
#define ready(c)	((any(OLD(c)) && !old[c]) || (any(YOUNG(c)) && !young[c]))
#endif

/* cache_take_ready() */
inline take_ready(c, to)
{
#ifdef BREAK_HARVEST_ALL
	splice(OLD(c) | YOUNG(c), to);
	old[c] = 0;
#else
	splice(OLD(c), to);
	splice(YOUNG(c), OLD(c));
	old[c] = young[c];
#endif
	young[c] = 0
}

/* ---- the user ---- */

#ifdef BREAK_FREE_NOW
#define FREED(c)	FREE(c)
#else
#define FREED(c)	OPEN(c)
#endif

#ifdef BREAK_NESTED_FREE_NOW
#define COLLECTED(c)	FREE(c)
#else
#define COLLECTED(c)	OPEN(c)
#endif

inline hand_out(from)
{
	must(not_reused_under_reader, !(at[o] & PROMISED));
	move(from, LIVE)
}

inline promise()
{
	at[o] = at[o] | (at[o] & RCU_HOLDS -> PROMISED : 0)
}

/*
 * cache_alloc() and cache_free() on CPU @c, by the owner and nested.  An object
 * is linked when it is handed out and unlinked when it is freed, which leaves
 * readers the most time to find it.  What else these functions do, that is to
 * close the open batch and to make the oldest one free (cache_is_low()), is
 * among the steps of irq_work(), for which any time will do.
 */
proctype user(byte c)
{
	do
	:: atomic { life == RUN && any(FREE(c)) ->
		pick(FREE(c));
		d_step { hand_out(FREE(c)); done() } }
	:: atomic { life == RUN && any(RESERVE(c)) ->
		pick(RESERVE(c));
		d_step { hand_out(RESERVE(c)); done() } }
	:: atomic { life == RUN && any(LIVE) ->
		pick(LIVE);
		d_step { promise(); note_opened(c); move(LIVE, FREED(c)); done() } }
	:: atomic { life == RUN && any(LIVE) ->
		pick(LIVE);
		d_step { promise(); move(LIVE, SIDE_WAIT(c)); done() } }
#if FLAVOR == NORMAL
	:: atomic { life == RUN && any(LIVE) ->
		pick(LIVE);
		d_step { move(LIVE, FREE(c)); done() } }
	:: atomic { life == RUN && any(LIVE) ->
		pick(LIVE);
		d_step { move(LIVE, SIDE(c)); done() } }
#endif
	:: life == RELEASED -> break
	od
}

#define seen(i)		(at[i] & (RCU_HOLDS | TRACE_HOLDS))
#define is_raw(i)	(at[i] & RAW && !seen(i))

/*
 * bpf_mem_cache_raw_free(): the user itself sees to it that no reader holds the
 * object, however long that takes, and may call this after destroy.
 */
proctype raw_user()
{
	do
	:: atomic { life == RUN && any(LIVE) ->
		pick(LIVE);
		d_step { move(LIVE, RAW); done() } }
	:: atomic { is_raw(0) || is_raw(1) || is_raw(2) ->
		if
		:: is_raw(0) -> o = 0
		:: is_raw(1) -> o = 1
		:: is_raw(2) -> o = 2
		fi;
		d_step {
			must(pool_alive, life < RELEASED);
			move(RAW, SLAB);
			done() } }
	:: life == RELEASED && !any(RAW) -> break
	od
}

/* bpf_mem_alloc_destroy(), at any time after every object was freed. */
proctype destroyer()
{
	atomic { life == RUN && !any(LIVE) -> life = DESTROYED }
}

/* ---- irq_work ---- */

#ifdef BREAK_REFILL_OVERWRITES
#define refilled(c)	splice(FREE(c), 0); splice(REFILL(c), FREE(c))
#else
#define refilled(c)	splice(REFILL(c), FREE(c))
#endif

#ifdef BREAK_ROB_COPIES
#define robbed()	at[o] = at[o] | REFILL(c)
#else
#define robbed()	move(SURPLUS | TRACING, REFILL(c))
#endif

/*
 * cache_work_fn() on CPU @c, in steps: each section of the owner is one, each
 * time that the lock of the depot is held is one, and what is in its hand in
 * between is in the places IN_HAND.  cache_flush() shares the steps that touch
 * nothing but the cache.  It ends when cache_dismantle() has waited for it.
 */
proctype irq_work(byte c)
{
	do
	/* cache_collect_side() */
	:: d_step { !dismantled[c] && any(SIDE(c) | SIDE_WAIT(c)) ->
		splice(SIDE(c), FREE(c));
		if
		:: any(SIDE_WAIT(c)) -> note_opened(c)
		:: else
		fi;
		splice(SIDE_WAIT(c), COLLECTED(c));
		done() }
	:: d_step { !dismantled[c] && any(OPEN(c)) ->
		close(c);
		done() }
	/* cache_harvest_one(), cache_is_low() */
#if FLAVOR == FREE_AFTER
	:: d_step { !dismantled[c] && ready(c) ->
		take_ready(c, SPARE_DEAD(c));
		done() }
#else
	:: d_step { !dismantled[c] && ready(c) ->
		take_ready(c, FREE(c));
		done() }
	:: d_step { !dismantled[c] && ready(c) ->
		take_ready(c, SPARE(c));
		done() }
#endif
	/* cache_cut_free() */
#if FLAVOR == NORMAL
	:: atomic { !dismantled[c] && any(FREE(c)) ->
		pick(FREE(c));
		d_step { move(FREE(c), SPARE(c)); done() } }
#endif
	/* cache_give() */
	:: d_step { any(SPARE(c)) ->
		splice(SPARE(c), DEPOT);
		done() }
	/* cache_bury(): at once, or left to the keeper */
#if FLAVOR == FREE_AFTER
	:: d_step { any(SPARE_DEAD(c)) ->
		to_slab(SPARE_DEAD(c));
		done() }
	:: d_step { any(SPARE_DEAD(c)) ->
		splice(SPARE_DEAD(c), DEAD);
		done() }
#endif
	/* depot_get(), else slab_take(); object by object, for any number */
	:: atomic { !dismantled[c] && !any(SPARE(c) | SPARE_DEAD(c)) && any(DEPOT) ->
		pick(DEPOT);
		d_step { move(DEPOT, REFILL(c)); done() } }
	:: atomic { !dismantled[c] && !any(SPARE(c) | SPARE_DEAD(c) | DEPOT) &&
		    any(SURPLUS) ->
		pick(SURPLUS);
		d_step { robbed(); done() } }
	:: atomic { !dismantled[c] && !any(SPARE(c) | SPARE_DEAD(c) | DEPOT | SURPLUS) &&
		    any(TRACING) ->
		pick(TRACING);
		d_step { robbed(); done() } }
	:: atomic { !dismantled[c] && !any(SPARE(c) | SPARE_DEAD(c) | DEPOT | SURPLUS | TRACING) &&
		    any(SLAB) ->
		pick(SLAB);
		d_step { move(SLAB, REFILL(c)); done() } }
	/* cache_refill(), cache_fill_reserve() */
	:: d_step { any(REFILL(c)) ->
		refilled(c);
		done() }
	:: atomic { !dismantled[c] && any(FREE(c)) ->
		pick(FREE(c));
		d_step { move(FREE(c), RESERVE(c)); done() } }
	:: life == RELEASED -> break
	od
}

/* ---- keeper ---- */

#ifdef BREAK_ADD_IN_FLIGHT
#define may_trace	true
#else
#define may_trace	(depot_traced == ASKS_NOT)
#endif

#ifdef BREAK_SURPLUS_IS_DEAD
#define TRIMMED		DEAD
#else
#define TRIMMED		SURPLUS
#endif

/* What of the cache is taken apart at destroy, and what is waited for. */
#if defined(BREAK_DISMANTLE_NO_SIDE)
#define DISMANTLED(c)	(OF_CACHE(c) & ~(SIDE(c) | SIDE_WAIT(c)))
#elif defined(BREAK_DISMANTLE_NO_RESERVE)
#define DISMANTLED(c)	(OF_CACHE(c) & ~RESERVE(c))
#elif defined(BREAK_DISMANTLE_NO_RING)
#define DISMANTLED(c)	(OF_CACHE(c) & ~YOUNG(c))
#else
#define DISMANTLED(c)	OF_CACHE(c)
#endif

#ifdef BREAK_DISMANTLE_NO_SYNC
#define working(c)	false
#else
#define working(c)	any(IN_HAND(c))
#endif

#define visited		(life < RETIRED && !dismantled[0] && !dismantled[1])

inline flush(c)
{
	/* cache_cut_free() */
	atomic { visited && any(FREE(c)) ->
		pick(FREE(c));
		d_step { move(FREE(c), KEEPERS); done() } }
}

/*
 * keeper_fn() for this allocator: cache_flush() and depot_trim() as long as it
 * is visited, then keeper_retire() and keeper_finish().
 */
proctype keeper()
{
	do
	/* cache_flush(): cache_cut_free(), cache_harvest_one(), cache_give() */
	:: flush(0)
	:: flush(1)
#if FLAVOR == FREE_AFTER
	:: d_step { visited && ready(0) -> take_ready(0, DEAD); done() }
	:: d_step { visited && ready(1) -> take_ready(1, DEAD); done() }
#else
	:: d_step { visited && ready(0) -> take_ready(0, KEEPERS); done() }
	:: d_step { visited && ready(1) -> take_ready(1, KEEPERS); done() }
#endif
	:: d_step { any(KEEPERS) -> splice(KEEPERS, DEPOT); done() }

	/* depot_trim(): what was idle, a grace period for it, the dead */
	:: atomic { visited && !any(KEEPERS) && any(DEPOT) ->
		pick(DEPOT);
		d_step { move(DEPOT, TRIMMED); done() } }
	:: d_step { visited && !any(KEEPERS) && any(SURPLUS) && may_trace ->
		splice(SURPLUS, TRACING);
		if
		:: depot_traced == ASKS_NOT ->
			depot_traced = ASKED
		:: else
		fi;
		done() }
#ifdef BREAK_RETIRED_IS_VISITED
	:: d_step { life < FINISHED && !any(KEEPERS) && any(DEAD) ->
#else
	:: d_step { visited && !any(KEEPERS) && any(DEAD) ->
#endif
		to_slab(DEAD);
		done() }

	/* keeper_retire(): cache_dismantle() of each CPU, depot_dismantle() */
	:: d_step { life == DESTROYED && !any(KEEPERS) && !dismantled[0] && !working(0) ->
		splice(DISMANTLED(0), DEAD);
		old[0] = 0;
		young[0] = 0;
		dismantled[0] = true;
		done() }
	:: d_step { life == DESTROYED && !any(KEEPERS) && !dismantled[1] && !working(1) ->
		splice(DISMANTLED(1), DEAD);
		old[1] = 0;
		young[1] = 0;
		dismantled[1] = true;
		done() }
	:: d_step { life == DESTROYED && dismantled[0] && dismantled[1] ->
		splice(DEPOT | SURPLUS, DEAD);
		life = RETIRED;
#ifdef BREAK_RETIRE_WITHOUT_GP
		pool_traced = TRACED;
#else
		pool_traced = ASKED;
#endif
		done() }

	/* The last grace period is over; keeper_finish() */
	:: d_step { life == RETIRED && ended ->
		to_slab(DEAD);
		life = FINISHED;
		must(all_home, !any(PLACES & ~(SLAB | RAW)));
		done() }
#ifdef BREAK_RELEASE_NOT_HOME
	:: life == FINISHED -> life = RELEASED; break
#else
	:: atomic { life == FINISHED && !any(RAW) -> life = RELEASED; break }
#endif
	od
}

/* ---- grace periods ---- */

#define wanted		(life == RUN || old[0] || old[1])

inline come_closer(n)
{
	n = (exp -> (exp_ends(n) <= 1 -> 0 : n - EXPEDITED)
		 : (normal_ends(n) <= 1 -> 0 : n - 1))
}

/*
 * RCU: in each of the two sequences one grace period after the other, each of
 * which waits for a reader that was inside when it began.  Once the user is
 * gone only where one is waited for, so that a run that waits for ever for
 * something else shows.
 */
proctype rcu(bit exp)
{
	do
	:: d_step { !gp[exp] && wanted ->
		gp[exp] = true;
		gp_waits[exp] = rcu_in }
	:: d_step { gp[exp] && !gp_waits[exp] ->
		gp[exp] = false;
		come_closer(old[0]);
		come_closer(old[1]);
		come_closer(young[0]);
		come_closer(young[1]);
#ifdef BREAK_COOKIE_EARLY
		come_closer(opened[0]);
		come_closer(opened[1]);
#endif
		done() }
	:: life == RELEASED -> break
	od
}

/*
 * tracer_fn(), with depot_trace_done() and pool_trace_done(): of two that wait for the
 * same grace period the depot has asked first.  One also waits for an RCU reader that was
 * inside when it began, which is what rcu_trace_implies_rcu_gp() is about.
 */
proctype tasks_trace()
{
	do
	:: d_step { !tt && (depot_traced == ASKED || pool_traced == ASKED) ->
		tt = true;
		tt_waits = trace_in;
#ifndef BREAK_TRACE_WITHOUT_RCU
		tt_waits_rcu = rcu_in;
#endif
		depot_traced = (depot_traced == ASKED -> COVERED : depot_traced);
		pool_traced = (pool_traced == ASKED -> COVERED : pool_traced) }
	:: d_step { tt && !tt_waits && !tt_waits_rcu ->
		tt = false;
		depot_traced = (depot_traced == COVERED -> TRACED : depot_traced);
		pool_traced = (pool_traced == COVERED -> TRACED : pool_traced) }
	:: d_step { depot_traced == TRACED ->
		must(pool_alive, life < RELEASED);
		to_slab(TRACING);
		depot_traced = ASKS_NOT;
		done() }
#ifdef BREAK_TOLD_IN_REVERSE
	:: d_step { pool_traced == TRACED ->
#else
	:: d_step { pool_traced == TRACED && depot_traced == ASKS_NOT ->
#endif
		must(pool_alive, life < RELEASED);
#ifndef BREAK_NOT_TOLD
		ended = true;
#endif
		pool_traced = ASKS_NOT }
	:: life == RELEASED && depot_traced == ASKS_NOT && pool_traced == ASKS_NOT && !tt -> break
	od
}

/* ---- readers ---- */

/*
 * rcu_read_lock(), perhaps a lookup, rcu_read_unlock(); again and again as long
 * as there may be something to find.
 */
proctype rcu_reader()
{
	do
	:: atomic { life == RUN && !rcu_in -> rcu_in = true }
	:: atomic { rcu_in && !any(RCU_HOLDS) && any(LIVE) ->
		pick(LIVE);
		d_step { at[o] = at[o] | RCU_HOLDS; done() } }
	:: d_step { rcu_in ->
		rcu_in = false;
		gp_waits[0] = false;
		gp_waits[1] = false;
		tt_waits_rcu = false;
		at[0] = at[0] & ~(RCU_HOLDS | PROMISED);
		at[1] = at[1] & ~(RCU_HOLDS | PROMISED);
		at[2] = at[2] & ~(RCU_HOLDS | PROMISED);
		done() }
	:: life == RELEASED -> break
	od
}

#if FLAVOR != FREE_AFTER
/* The same with rcu_read_lock_trace(). */
proctype trace_reader()
{
	do
	:: atomic { life == RUN && !trace_in -> trace_in = true }
	:: atomic { trace_in && !any(TRACE_HOLDS) && any(LIVE) ->
		pick(LIVE);
		d_step { at[o] = at[o] | TRACE_HOLDS; done() } }
	:: d_step { trace_in ->
		trace_in = false;
		tt_waits = false;
		at[0] = at[0] & ~TRACE_HOLDS;
		at[1] = at[1] & ~TRACE_HOLDS;
		at[2] = at[2] & ~TRACE_HOLDS;
		done() }
	:: life == RELEASED -> break
	od
}
#endif

init
{
	atomic {
		run user(0);
		run user(1);
		run irq_work(0);
		run irq_work(1);
		run keeper();
		run rcu(0);
		run rcu(1);
		run tasks_trace();
		run rcu_reader();
#if FLAVOR != FREE_AFTER
		run trace_reader();
#endif
		run raw_user();
		run destroyer()
	}
}
