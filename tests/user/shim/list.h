/* SPDX-License-Identifier: GPL-2.0-only */
/* Doubly linked lists, and lock-free singly linked ones. */
#ifndef _SHIM_LIST_H
#define _SHIM_LIST_H

#include "atomic.h"

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_empty(const struct list_head *list)
{
	return list->next == list;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *list)
{
	entry->next = list;
	entry->prev = list->prev;
	list->prev->next = entry;
	list->prev = entry;
}

/* An entry that is off its list is not to be followed. */
static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
	entry->next = NULL;
	entry->prev = NULL;
}

static inline void list_del_init(struct list_head *entry)
{
	list_del(entry);
	INIT_LIST_HEAD(entry);
}

#define list_entry(ptr, type, member)	container_of(ptr, type, member)
/* The head of a list is no entry, and is not taken for one. */
#define list_for_each_entry(pos, list, member)				\
	for (struct list_head *_at = (list)->next;			\
	     _at != (list) &&						\
	     (pos = list_entry(_at, __typeof__(*pos), member), true);	\
	     _at = _at->next)
#define list_for_each_entry_safe(pos, n, list, member)			\
	for (struct list_head *_at = (list)->next, *_next;		\
	     _at != (list) && (_next = _at->next,			\
			       pos = list_entry(_at, __typeof__(*pos), member), \
			       n = pos, true);				\
	     _at = _next, (void)n)

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

static inline bool llist_empty(const struct llist_head *list)
{
	return !READ_ONCE(list->first);
}

/* Returns whether the list was empty. */
static inline bool llist_add(struct llist_node *node, struct llist_head *list)
{
	struct llist_node *first = READ_ONCE(list->first);

	do {
		node->next = first;
		shim_point();
	} while (!__atomic_compare_exchange_n(&list->first, &first, node, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return !first;
}

static inline struct llist_node *llist_del_all(struct llist_head *list)
{
	return xchg(&list->first, NULL);
}

static inline struct llist_node *llist_reverse_order(struct llist_node *node)
{
	struct llist_node *reversed = NULL, *next;

	for (; node; node = next) {
		next = node->next;
		node->next = reversed;
		reversed = node;
	}
	return reversed;
}

#define llist_for_each_safe(pos, n, node)				\
	for (pos = (node); pos && (n = pos->next, true); pos = n)
#define llist_entry(ptr, type, member)	container_of(ptr, type, member)
#define llist_for_each_entry_safe(pos, n, node, member)			\
	for (struct llist_node *_at = (node), *_next;			\
	     _at && (_next = _at->next,					\
		     pos = llist_entry(_at, __typeof__(*pos), member),	\
		     n = pos, true);					\
	     _at = _next, (void)n)

#endif
