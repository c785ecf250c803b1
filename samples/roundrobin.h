/* SPDX-License-Identifier: MIT */
/*
 * samples/roundrobin.h - a balancer, as the program around it uses it
 */
#ifndef SAMPLES_ROUNDROBIN_H
#define SAMPLES_ROUNDROBIN_H

#include <stdbool.h>
#include <stdint.h>

struct percu_buf;

struct counts {
	_Atomic uint64_t requests; /* that were forwarded */
	_Atomic uint64_t failures; /* of these, without a whole response */
	_Atomic uint64_t added, removed;
	_Atomic uint64_t
		outlived; /* released by the vector, kept by a request */
};
extern struct counts counts;

/* Listens on loopback, on a port that is chosen if it is 0; which. */
uint16_t balancer_start(uint16_t port);

/* Ends it, says what it has done, and returns whether nothing leaked. */
bool balancer_end(void);

/*
 * 0 or -errno.  For one thread: requests need not wait for changes, but changes
 * must for each other.  name: HOST:PORT; how: copy, nil, exact or swap.
 */
int balancer_add(const char *name);
int balancer_remove(const char *how, const char *name);
int balancer_list(struct percu_buf *text);

#endif /* SAMPLES_ROUNDROBIN_H */
