/* SPDX-License-Identifier: MIT */
/*
 * retire.pml - what is retired waits for readers, and comes back
 *
 * Updaters exchange the published object for a free one and retire what they
 * took out: into the retire record of some CPU, which they open and arm, or
 * spill when it is full.  The reclaimer flushes what is armed, takes all of the
 * inbox, waits for the readers of that moment, and gives the objects back.  A
 * reader looks at what is published; or else a barrier flushes and waits.
 *
 * That a sequence happens at once, and not at all where the base is the dummy,
 * is what record.pml shows; so it is one step here.  How a barrier waits until
 * nobody has a magazine in hand that had one when it began is barrier.pml's; here
 * it waits until nobody has any.  A record and a magazine have room for one
 * object.
 *
 * Laws: no object comes back while a reader has it.  What was retired before a
 * barrier began is back when it returns.  When nobody does anything any more,
 * everything that was retired is back.
 *
 * Runs:
 *	(plain)
 *	WITH_BARRIER
 *
 * Mutants, each of which must be found:
 *	NO_GRACE	a round does not wait for readers
 *	LATE_INBOX	a round takes what came while it waited along
 *	RETIRE_FIRST	an object is retired before it is unlinked
 *	NOT_ARMED	who opens a record does not arm the flush
 *	ARM_FIRST	who opens a record arms the flush before
 *	DISARM_LATE	a flush disarms when it has drained
 *	KEPT_OPEN	a flush does not close what it has drained
 *	BIT_LATE	a record is opened before its bit says so
 *	HAND_LATE	a magazine is in hand when it has left its record
 *	HAND_EARLY	a magazine is in nobody's hand before it is pushed
 *	NEWEST_FIRST	a round is done newest first
 *	OUT_EARLY	a magazine counts as done before its object is back
 */
/* With all of it at once there would be too many states: a reader or a barrier. */
#if defined(BIT_LATE) || defined(HAND_LATE) || defined(HAND_EARLY) || \
	defined(NEWEST_FIRST) || defined(OUT_EARLY)
#define WITH_BARRIER
#endif
#ifdef WITH_BARRIER
#define NRECORDS 1
#else
#define NRECORDS 2
#endif
#define UPDATES	 2	/* of the first updater; the second does one */
#define SECTIONS 1	/* of the reader */
#define CLOSED	 1
#define STOPPED	 2
#define FULL	 3
#define NOBJECTS 3
#define NMAGS	 6	/* that wait at once */

/* Objects, by number + 1; 0 is none. */
byte published = 1;
bit free[NOBJECTS + 1];		/* in the depot */
bit owed[NOBJECTS + 1];		/* what the barrier is to wait for */
bit retired[NOBJECTS + 1];	/* the call that retired it has returned */

/* pool/retire.c: struct retire */
bit base = 1;
byte record[NRECORDS];
bit capacity[NRECORDS], open[NRECORDS];
bit armed, flush_due;
byte in_hand;			/* magazines */
byte in;			/* magazines counted in and not yet out */
byte need;			/* of them, those that the barrier waits for */
bit age;			/* the lock */

/* rcu/grace.c: magazines, each with an object or with none */
byte inbox[NMAGS], ninbox;
byte round[NMAGS], nround;

/* Readers: one, in a section or not. */
bit reading;
byte section;			/* how many it has begun */
byte seen;			/* what it found */
byte busy;			/* processes that have something to do */

inline push(m)
{
	assert(ninbox < NMAGS);
	inbox[ninbox] = m;
	ninbox++
}

#ifdef BIT_LATE
#define OPEN(i) capacity[i] = 1; open[i] = 1
#else
#define OPEN(i) open[i] = 1; capacity[i] = 1
#endif

/* retire_arm(), with grace_arm() */
#ifdef NOT_ARMED
#define ARM skip
#else
#define ARM								\
	atomic {							\
		if							\
		:: !armed -> armed = 1; hers = 1			\
		:: else							\
		fi							\
	};								\
	if								\
	:: hers -> atomic { flush_due = 1; hers = 0 }			\
	:: else								\
	fi
#endif

#ifdef ARM_FIRST
#define OPEN_AND_ARM(i) ARM; OPEN(i)
#else
#define OPEN_AND_ARM(i) OPEN(i); ARM
#endif

/* record_make_room(): a magazine may turn out to be empty. */
#define TAKE(i) \
	atomic { if :: base -> m = record[i]; record[i] = 0 :: else fi }
#ifdef HAND_LATE
#define SPILL(i) TAKE(i); in_hand++
#else
#define SPILL(i) in_hand++; TAKE(i)
#endif

/* retire_hand_over() */
#ifdef HAND_EARLY
#define HAND_OVER(m) in_hand--; in++; atomic { push(m); m = 0 }
#else
#define HAND_OVER(m) in++; atomic { push(m); m = 0 }; in_hand--
#endif

/*
 * retire_place(), on any CPU at each turn.  Why a push has failed it asks at
 * once: asked later it may spill what is not full, as often as flushes and
 * openings race with it, and each time another empty magazine waits.
 */
inline retire(o)
{
	do
	:: atomic {
		if :: i = 0 :: i = NRECORDS - 1 fi;
		if
		:: base && capacity[i] && !record[i] ->
			record[i] = o;
			retired[o] = 1;
			i = 0;
			break
		:: !capacity[i] -> why = CLOSED
		:: capacity[i] && !base -> why = STOPPED
		:: capacity[i] && base && record[i] -> why = FULL
		fi
	   };
	   if
	   :: why == CLOSED -> OPEN_AND_ARM(i)
	   :: why == STOPPED -> base /* a flush is at work */
	   :: why == FULL -> SPILL(i); HAND_OVER(m)
	   fi;
	   atomic { i = 0; why = 0 }
	od
}

proctype updater(byte updates)
{
	byte i, m, new, old, why;
	bit hers;

	do
	:: updates == 0 -> break
	:: updates ->
		atomic { /* a get */
			new = 1;
			do
			:: new <= NOBJECTS && !free[new] -> new++
			:: else -> break
			od;
			if
			:: new <= NOBJECTS -> free[new] = 0
			:: else -> new = 0; updates = 1 /* none: no more */
			fi
		};
#ifdef RETIRE_FIRST
		if
		:: new ->
			old = published;
			retire(old);
			published = new
		:: else
		fi;
#else
		if
		:: new ->
			atomic { old = published; published = new };
			retire(old)
		:: else
		fi;
#endif
		atomic { new = 0; old = 0; updates-- }
	od;
	busy--
}

#ifdef DISARM_LATE
#define DISARM_BEFORE skip
#define DISARM_AFTER  armed = 0
#else
#define DISARM_BEFORE armed = 0
#define DISARM_AFTER  skip
#endif
#ifdef KEPT_OPEN
#define CLOSE(i) skip
#else
#define CLOSE(i) capacity[i] = 0
#endif
#define DRAIN(i) in_hand++; m[i] = record[i]; record[i] = 0

/* pool/flush.c: retire_flush().  A stopped record is its drainer's: one step. */
inline flush()
{
	atomic { !age -> age = 1; base = 0 };
	DISARM_BEFORE;
	do
	:: atomic {
		i < NRECORDS ->
		if
		:: open[i] && record[i] -> DRAIN(i); CLOSE(i)
		:: open[i] && !record[i] -> CLOSE(i)
		:: !open[i]
		fi;
		i++
	   }
	:: i == NRECORDS -> break
	od;
	atomic { base = 1; i = 0 };
	DISARM_AFTER;
	age = 0;
	do
	:: i < NRECORDS ->
		if
		:: m[i] -> HAND_OVER(m[i])
		:: else
		fi;
		i++
	:: else -> i = 0; break
	od
}

/* All of the inbox, oldest first, behind what is in the round. */
inline inbox_take()
{
	atomic {
		i = 0;
		do
		:: i < ninbox -> round[nround] = inbox[i]; inbox[i] = 0; nround++; i++
		:: else -> break
		od;
		ninbox = 0;
		i = 0
	}
}

/* on_done(): the first magazine's object goes to the depot. */
inline done(k)
{
	atomic {
		o = round[k];
		if
		:: o ->
			assert(!(reading && seen == o));
			assert(!free[o] && published != o);
			free[o] = 1;
			retired[o] = 0;
			owed[o] = 0;
			o = 0
		:: else
		fi
	}
}

/* Out is counted; in and need are what is left, so that numbers stay small. */
#define OUT atomic { in--; need = (need -> need - 1 : 0) }

#ifdef OUT_EARLY
#define DONE(k) OUT; done(k)
#else
#define DONE(k) done(k); OUT
#endif

proctype reclaimer()
{
	byte i, o, was, m[NRECORDS];

end:
	do
	:: flush_due || ninbox ->
		if
		:: flush_due -> flush_due = 0; flush()
		:: !flush_due
		fi;
		inbox_take();
#ifndef NO_GRACE
		/* synchronize_rcu() */
		if
		:: atomic { reading -> was = section };
			(!reading || section != was);
			was = 0
		:: !reading
		fi;
#endif
#ifdef LATE_INBOX
		inbox_take();
#endif
		/* Each in one step but for the count: nobody looks at the rest. */
		do
		:: nround ->
#ifdef NEWEST_FIRST
			DONE(nround - 1);
			atomic { nround--; round[nround] = 0 }
#else
			DONE(0);
			atomic {
				nround--;
				i = 0;
				do
				:: i < nround -> round[i] = round[i + 1]; i++
				:: else -> break
				od;
				round[nround] = 0;
				i = 0
			}
#endif
		:: else -> break
		od
	od
}

/* pool/barrier.c: wait_all() */
proctype barrier()
{
	byte i, m[NRECORDS];

	atomic {
		i = 1;
		do
		:: i <= NOBJECTS -> owed[i] = retired[i]; i++
		:: else -> i = 0; break
		od
	};
	flush();
	in_hand == 0;
	need = in;
	need == 0;
	assert(!owed[1] && !owed[2] && !owed[3]);
	busy--
}

proctype reader()
{
	byte sections = SECTIONS;

	do
	:: sections ->
		atomic { reading = 1; section++ };
		seen = published;
		atomic { reading = 0; seen = 0; sections-- }
	:: else -> break
	od;
	busy--
}

init
{
	atomic {
		free[2] = 1;
		free[3] = 1;
		busy = 3;
		run updater(UPDATES);
		run updater(1);
#ifdef WITH_BARRIER
		run barrier();
#else
		run reader();
#endif
		run reclaimer()
	};
	/* Nothing moves any more. */
	timeout;
	assert(!busy);
	assert(free[1] + free[2] + free[3] == NOBJECTS - 1)
}
