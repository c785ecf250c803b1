/* SPDX-License-Identifier: MIT */
/*
 * stress/tsan.h - what ThreadSanitizer cannot see by itself
 *
 * liburcu is not built for it.  That a reader's last look comes before what is
 * done after the grace period has to be said: the reader releases the word
 * that percu acquires (Documentation/retirement.md), and so does who waits for
 * a grace period without percu.
 *
 * In any other build this changes nothing.
 */
#ifndef STRESS_TSAN_H
#define STRESS_TSAN_H

#include <stdint.h>
#include <urcu-bp.h>

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#define THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#define THREAD_SANITIZER 0
#endif

#if THREAD_SANITIZER
void __tsan_acquire(void *word);
void __tsan_release(void *word);

static inline void tsan_read_unlock(void)
{
	__tsan_release((void *)(uintptr_t)rcu_flavor.update_synchronize_rcu);
	rcu_read_unlock();
}
#undef rcu_read_unlock
#define rcu_read_unlock tsan_read_unlock

static inline void tsan_synchronize_rcu(void)
{
	synchronize_rcu();
	__tsan_acquire((void *)(uintptr_t)rcu_flavor.update_synchronize_rcu);
}
#undef synchronize_rcu
#define synchronize_rcu tsan_synchronize_rcu
#endif

#endif /* STRESS_TSAN_H */
