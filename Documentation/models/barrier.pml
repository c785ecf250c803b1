/* SPDX-License-Identifier: MIT */
/*
 * barrier.pml - waiting until what was retired before is done
 *
 * Threads retire objects into one record with room for one, and take what is in
 * the way as a magazine of one, which is in their hand until they have handed it
 * over.  What was handed over is done in that order.  A barrier flushes the
 * record, waits for the hands of before, and for as many magazines as were
 * handed over by then; another one raises the phase at the same time.
 *
 * That a sequence happens at once is what record.pml shows, what else there is
 * to a flush and to a grace period retire.pml; so these are one step here.
 *
 * Laws: what was retired before a barrier began is done when it returns.  A
 * barrier returns.
 *
 * Runs:
 *	(plain)
 *
 * Mutants, each of which must be found:
 *	NO_HANDS	a barrier does not wait for hands
 *	ONE_RAISE	a barrier waits until the phase was raised once
 *	TWO_RAISES	a barrier waits until it was raised twice
 *	FLUSH_LATE	a barrier flushes when it has waited for hands
 *	ENTER_LATE	a magazine is in hand when it has left the record
 *	LEAVE_EARLY	a magazine is in nobody's hand before it is pushed
 *	IN_LATE		a magazine is counted when it is pushed
 *	IN_FIRST	a barrier reads the count before it waits for hands
 *	NEWEST_FIRST	the newest is done first
 *	OUT_EARLY	a magazine counts as done before its object is
 *	STUCK		a magazine stays in hand
 */
#define NOBJECTS 3
#define NMAGS	 6	/* that wait at once */

byte record;			/* an object's number + 1, or 0 */
bit retired[NOBJECTS + 1];	/* the call that retired it has returned */
bit done[NOBJECTS + 1];

/* struct retire */
byte in_hand[2], phase;
byte in, out;

byte inbox[NMAGS], ninbox;
byte busy;

inline push(m)
{
	assert(ninbox < NMAGS);
	inbox[ninbox] = m;
	ninbox++
}

#ifdef ENTER_LATE
#define ENTER_AND_TAKE	TAKE; ENTER
#else
#define ENTER_AND_TAKE	ENTER; TAKE
#endif
/* retire_enter(): the phase may have been raised before the count. */
#define ENTER	side = phase & 1; in_hand[side]++
#define TAKE	atomic { m = record; record = 0 }

#ifdef STUCK
#define LEAVE	skip
#else
#define LEAVE	in_hand[side]--
#endif

/* retire_hand_over() */
inline hand_over()
{
#ifdef LEAVE_EARLY
	LEAVE;
#endif
#ifdef IN_LATE
	atomic { push(m) };
	in++;
#else
	in++;
	atomic { push(m) };
#endif
#ifdef LEAVE_EARLY
	atomic { m = 0; side = 0 }
#else
	atomic { LEAVE; m = 0; side = 0 }
#endif
}

proctype updater(byte o, last)
{
	byte m, side;

	do
	:: o > last -> break
	:: else ->
		do
		:: atomic { !record -> record = o; retired[o] = 1; o++; break }
		:: record -> ENTER_AND_TAKE; hand_over()
		od
	od;
	busy--
}

/* pool/reclaim.c: on_done(), of the oldest. */
proctype reclaimer()
{
	byte i, o;

end:
	do
	:: atomic {
		ninbox ->
#ifdef NEWEST_FIRST
		ninbox--;
		o = inbox[ninbox];
		inbox[ninbox] = 0;
#else
		o = inbox[0];
		ninbox--;
		do
		:: i < ninbox -> inbox[i] = inbox[i + 1]; i++
		:: else -> break
		od;
		inbox[ninbox] = 0;
		i = 0
#endif
	   };
#ifdef OUT_EARLY
	   out++;
	   atomic { done[o] = 1; o = 0 }
#else
	   atomic { done[o] = 1; out++; o = 0 } /* nobody looks in between */
#endif
	od
}

#if defined(ONE_RAISE)
#define RAISES	1
#elif defined(TWO_RAISES)
#define RAISES	2
#else
#define RAISES	3
#endif

/* handed_over() */
inline wait_for_hands()
{
	until = phase + RAISES;
	do
	:: atomic { phase >= until -> until = 0; break }
	:: atomic { phase < until -> at = phase };
	   in_hand[(at + 1) & 1] == 0;
	   atomic {
		if
		:: phase == at -> phase++
		:: else
		fi;
		at = 0
	   }
	od
}

#ifdef FLUSH_LATE
#define FLUSH_AND_WAIT	wait_for_hands(); ENTER_AND_TAKE; hand_over()
#elif defined(NO_HANDS)
#define FLUSH_AND_WAIT	ENTER_AND_TAKE; hand_over()
#else
#define FLUSH_AND_WAIT	ENTER_AND_TAKE; hand_over(); wait_for_hands()
#endif

/* wait_all() */
proctype barrier()
{
	byte m, side, until, at, need, i;
	bit owed[NOBJECTS + 1];

	atomic {
		i = 1;
		do
		:: i <= NOBJECTS -> owed[i] = retired[i]; i++
		:: else -> i = 0; break
		od
	};
#ifdef IN_FIRST
	need = in;
	FLUSH_AND_WAIT;
#else
	FLUSH_AND_WAIT;
	need = in;
#endif
	out >= need;
	atomic {
		i = 1;
		do
		:: i <= NOBJECTS -> assert(!owed[i] || done[i]); i++
		:: else -> i = 0; break
		od
	};
	busy--
}

/* Another barrier, as far as this one notices. */
proctype other()
{
	byte until, at;

	wait_for_hands();
	busy--
}

init
{
	atomic {
		busy = 4;
		run updater(1, 2);
		run updater(3, 3);
		run barrier();
		run other();
		run reclaimer()
	};
	timeout;
	assert(!busy)
}
