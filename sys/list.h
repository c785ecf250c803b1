/* SPDX-License-Identifier: MIT */
/* sys/list.h - a circular doubly linked list; whoever holds its lock edits it */
#ifndef PERCU_SYS_LIST_H
#define PERCU_SYS_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define list_entry(p, type, member) \
	((type *)((char *)(p)-offsetof(type, member)))

#define list_for_each(p, head) \
	for (struct list *p = (head)->next; p != (head); p = p->next)

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_add(struct list *l, struct list *head)
{
	l->next = head->next;
	l->prev = head;
	head->next->prev = l;
	head->next = l;
}

static inline void list_add_tail(struct list *l, struct list *head)
{
	list_add(l, head->prev);
}

static inline void list_del(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

/* All of from goes to the front of head; from is then empty. */
static inline void list_splice(struct list *from, struct list *head)
{
	if (list_empty(from))
		return;
	from->prev->next = head->next;
	head->next->prev = from->prev;
	head->next = from->next;
	from->next->prev = head;
	list_init(from);
}

#endif /* PERCU_SYS_LIST_H */
