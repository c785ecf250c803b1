/* SPDX-License-Identifier: MIT */
/*
 * record.pml - the records of two CPUs, the depot, and who drains
 *
 * Threads get and put: by the sequences, on the record of the CPU where they
 * run, and on a miss by the slow path, which opens the record and moves objects
 * between it and the depot by the bulk sequences.  A drainer stops the pool,
 * fences, empties what is open, closes it or not, and starts the pool again.
 *
 * The kernel.  Of rseq it promises one thing: who is preempted, or met by a
 * fence, inside a sequence goes on at its abort.  Where a thread runs matters
 * only inside a sequence, so that is where the model knows it: a thread that
 * arms may be on any CPU, and who was in a sequence there has been preempted.
 *
 * Laws: who gets an object finds it free.  What a slot gives is an object.  What
 * a drainer passes over is empty.  At the end each object is in one place, and
 * none is with anybody.
 *
 * One thread gets and puts, beside a get of the other's or a put.
 *
 * Runs:
 *	(plain)
 *	WITH_PUT
 *
 * Mutants, each of which must be found:
 *	NO_ABORT	the kernel does not abort who is preempted
 *	NO_FENCE	the drainer does not fence
 *	COMMIT_FIRST	a push stores the word before the slot
 *	STALE_INDEX	the index is loaded before the sequence is armed
 *	STALE_BASE	the base is loaded before the sequence is armed
 *	INNER_FORGOTTEN	the drainer stops hits, and not the bulk sequences
 *	BIT_LATE	a record is opened before its bit says so
 *	BIT_EARLY	the drainer looks at the bits before it fences
 *	START_EARLY	the base is back before the records are empty
 */
#define NTHREADS 2
#define NCPUS	 2
#define ROOM	 2	/* in an open record; moved at once */
#define NOBJECTS 2

#define SLOT(c, i) slot[(c) * ROOM + (i)]

/* The pool.  A word is the count alone: the figures are in sides.pml. */
bit hot, inner;			/* the base: 1 the records, 0 the dummy */
byte word[NCPUS], capacity[NCPUS];
bit open[NCPUS];		/* the bitmap */
byte slot[NCPUS * ROOM];	/* object + 1; 0: nothing.  What leaves is cleared,
				   which saves states and hides no error */
byte depot[NOBJECTS], ndepot;	/* object + 1 */
byte holders[NOBJECTS];		/* how many believe that it is theirs */

/* The kernel. */
byte inside[NCPUS];		/* thread + 1 that is in a sequence there, or 0 */
bit aborted[NTHREADS];
byte ended;
bit drained;

inline interrupt(c)
{
	if
	:: inside[c] -> aborted[inside[c] - 1] = 1
	:: else
	fi
}

#ifdef NO_ABORT
#define PREEMPT(c) skip
#else
#define PREEMPT(c) interrupt(c)
#endif

inline holds(o)
{
	assert(o > 0);
	assert(holders[o - 1] == 0);
	holders[o - 1]++
}

inline gives(o)
{
	assert(holders[o - 1] == 1);
	holders[o - 1]--
}

/* The sequences, as percu/record.h has them. -------------------------------- */

/* What a sequence has loaded is gone when it starts over or is left. */
#define FORGET at = 0; c = 0; b = 0; h = 0; x = 0

#define LEAVE								\
	if								\
	:: inside[at] == me + 1 -> inside[at] = 0			\
	:: else								\
	fi;								\
	aborted[me] = 0;						\
	FORGET

/* A step of a sequence, which an abort sends back to where it begins. */
#define STEP(begin, what)						\
	atomic {							\
		if							\
		:: aborted[me] -> LEAVE; goto begin			\
		:: else -> what						\
		fi							\
	}

#define ANY_CPU(c) if :: c = 0 :: c = 1 fi

/*
 * Three steps make a sequence: PERCU_RSEQ_BEGIN, which arms and loads the index
 * and the base; the loads of the word and the slots, with what is copied where
 * nobody looks; the commit.  What is between the parts of a step is seen by
 * nobody, or ends in an abort: the order of two loads matters only when other
 * stores than an aborting one come between them.
 */
#define ARM								\
	ANY_CPU(at);							\
	PREEMPT(at);							\
	inside[at] = me + 1;						\
	aborted[me] = 0
#if defined(STALE_INDEX)
#define BEGIN(base) ANY_CPU(c); atomic { ARM; b = base }
#elif defined(STALE_BASE)
#define BEGIN(base) b = base; atomic { ARM; c = at }
#else
#define BEGIN(base) atomic { ARM; c = at; b = base }
#endif

/* What is loaded through the dummy is 0: the count, and the capacity. */
#define LOAD	 h = (b -> word[c] : 0)
#define HAS_ROOM (b && h < capacity[c])

/* Threads. -------------------------------------------------------------------- */

/* pool/budget.c: record_open() */
#ifdef BIT_LATE
#define OPEN_RECORD							\
	capacity[i] = ROOM; open[i] = 1
#else
#define OPEN_RECORD							\
	open[i] = 1; capacity[i] = ROOM
#endif

/* record_here(): of the CPU where the thread was at some moment. */
#define HERE								\
	atomic {							\
		ANY_CPU(i);						\
		if							\
		:: capacity[i] -> i = NCPUS				\
		:: else							\
		fi							\
	};								\
	if								\
	:: i < NCPUS -> OPEN_RECORD					\
	:: else								\
	fi;								\
	i = 0

inline to_depot(o)
{
	assert(o > 0 && ndepot < NOBJECTS);
	depot[ndepot] = o;
	ndepot++;
	o = 0
}

/* held: object + 1, or 0.  It puts what it has and gets what it has not, todo times. */
proctype thread(byte me; byte held; byte todo)
{
	bit b;
	byte at, c, h, x;	/* of a sequence */
	byte hand[ROOM], n;	/* what a slow path has in its hands */
	byte i;

next:
	if
	:: todo == 0 -> goto finish
	:: todo && held -> goto put
	:: todo && !held -> skip
	fi;

get:	/* PERCU_RSEQ_POP */
	BEGIN(hot);
	STEP(get, LOAD;
		if
		:: h == 0 -> LEAVE; goto refill
		:: else -> x = SLOT(c, h - 1)
		fi);
	STEP(get, word[c] = h - 1; SLOT(c, h - 1) = 0; held = x; holds(held); todo--;
		LEAVE);
	goto next;

put:	/* PERCU_RSEQ_PUSH */
	BEGIN(hot);
#ifdef COMMIT_FIRST
	STEP(put, LOAD;
		if
		:: !HAS_ROOM -> LEAVE; goto spill
		:: else -> word[c] = h + 1
		fi);
	STEP(put, SLOT(c, h) = held; gives(held); held = 0; todo--; LEAVE);
#else
	STEP(put, LOAD;
		if
		:: !HAS_ROOM -> LEAVE; goto spill
		:: else -> SLOT(c, h) = held
		fi);
	STEP(put, word[c] = h + 1; gives(held); held = 0; todo--; LEAVE);
#endif
	goto next;

refill:	/* pool/pool.c: refill() */
	HERE;
	atomic { /* depot_take(), under its lock */
		do
		:: ndepot > 0 && n < ROOM ->
			ndepot--;
			hand[n] = depot[ndepot];
			depot[ndepot] = 0;
			n++
		:: else -> break
		od;
		if
		:: n == 0 -> todo--; goto next /* the get fails */
		:: else
		fi
	};
give:	/* pool/record.c: rseq_give() */
	BEGIN(inner);
	STEP(give, LOAD;
		if
		:: !HAS_ROOM -> /* none is placed: one of them is the get's */
			LEAVE;
			n--;
			held = hand[n];
			hand[n] = 0;
			holds(held);
			todo--;
			goto store
		:: else ->
			SLOT(c, h) = hand[0];
			x = 1;
			if
			:: n == 2 && h + 1 < capacity[c] ->
				SLOT(c, h + 1) = hand[1];
				x = 2
			:: else
			fi
		fi);
	STEP(give, word[c] = h + x;
		hand[0] = (x == 2 || n == 1 -> 0 : hand[1]);
		hand[1] = 0;
		n = n - x;
		LEAVE);
	goto store;

spill:	/* pool/pool.c: spill() */
	HERE;
take:	/* pool/record.c: rseq_take() */
	BEGIN(inner);
	STEP(take, LOAD;
		if
		:: h == 0 -> /* no room can be made: past the records */
			LEAVE;
			gives(held);
			to_depot(held);
			todo--;
			goto next
		:: else ->
			if /* half of it; the second time in a row all */
			:: x = 1
			:: x = h
			fi;
			hand[0] = SLOT(c, h - 1);
			hand[1] = (x == 2 -> SLOT(c, 0) : 0)
		fi);
	STEP(take, word[c] = h - x;
		SLOT(c, h - 1) = 0;
		SLOT(c, (x == 2 -> 0 : h - 1)) = 0;
		n = x;
		LEAVE);

store:	/* depot_store(), under its lock; then all over again */
	atomic {
		if :: n > 0 -> to_depot(hand[0]) :: else fi;
		if :: n > 1 -> to_depot(hand[1]) :: else fi;
		hand[0] = 0; hand[1] = 0; n = 0
	};
	goto next;

finish:
	atomic {
		if :: held -> gives(held); to_depot(held) :: else fi;
		ended++
	}
}

/* The drainer: pool/age.c. ---------------------------------------------------- */

#ifdef BIT_EARLY
#define BIT(c) bit_of[c]
#else
#define BIT(c) open[c]
#endif

proctype drainer()
{
	byte c, h;
	bit bit_of[NCPUS];

	/* pool_stop() */
	hot = 0;
#ifndef INNER_FORGOTTEN
	inner = 0;
#endif
#ifdef BIT_EARLY
	bit_of[0] = open[0];
	bit_of[1] = open[1];
#endif
#ifndef NO_FENCE
	/* pools_quiesce(): the kernel interrupts one CPU after the other. */
	do
	:: c < NCPUS ->
		atomic { interrupt(c); c++ }
	:: else -> break
	od;
	c = 0;
#endif
#ifdef START_EARLY
	inner = 1;
	hot = 1;
#endif
	/* age_stopped(): drain() and record_relax() */
	do
	:: c < NCPUS && BIT(c) ->
		atomic {
			h = word[c];
			do
			:: h > 0 -> to_depot(SLOT(c, h - 1)); h--
			:: else -> break
			od
		};
		atomic {
			word[c] = 0;
			if
			:: capacity[c] = 0
			:: skip
			fi;
			c++
		}
	:: c < NCPUS && !BIT(c) -> assert(word[c] == 0); c++
	:: c == NCPUS -> break
	od;
	c = 0;
	/* pool_start() */
	inner = 1;
	hot = 1;
	drained = 1
}

/* Each object is in one place. */
inline meet(o)
{
	assert(o > 0);
	assert(holders[o - 1] == 0);
	holders[o - 1]++
}

init
{
	byte c, i, met;

	atomic {
		hot = 1; inner = 1;
		/* One record is in use, the other was never opened. */
		SLOT(0, 0) = 1; word[0] = 1; capacity[0] = ROOM; open[0] = 1;
		run thread(0, 0, 2);
#ifdef WITH_PUT
		holders[1] = 1;
		run thread(1, 2, 1);
#else
		depot[0] = 2; ndepot = 1;
		run thread(1, 0, 1);
#endif
		run drainer()
	};
	(ended == NTHREADS && drained);
	atomic {
		do
		:: c < NCPUS ->
			i = 0;
			do
			:: i < word[c] -> meet(SLOT(c, i)); met++; i++
			:: else -> break
			od;
			c++
		:: else -> break
		od;
		i = 0;
		do
		:: i < ndepot -> meet(depot[i]); met++; i++
		:: else -> break
		od;
		assert(met == NOBJECTS)
	}
}
