/* SPDX-License-Identifier: MIT */
/*
 * sides.pml - a record's figures, read beside the CPU that writes them
 *
 * The word has the count, the gets since the current side was written, and
 * which side that is.  Single gets and puts change the word alone.  A bulk one
 * writes the other side and then the word, which turns to it; aborted before
 * that it leaves what it has written, and another one begins.  A reader
 * elsewhere adds up as record_try() does.
 *
 * Law: what it finds is what the record had counted at one moment while it
 * was being read.
 *
 * Runs:
 *	(plain)
 *	NO_BUSY		a side does not say that it is being written
 *
 * The second says that the mark is not needed for this law: a reader looks at
 * the word once more behind the number of the side, and a side that has a number
 * and is current has been written to its end.
 *
 * Mutants, each of which must be found:
 *	WORD_EARLY	a bulk operation turns sides before it has written one
 *	NO_FIRST_WORD	a reader does not look at the word behind the number
 *	NO_LAST_WORD	nor behind the sums
 *	NO_LAST_NUMBER	nor at the number at the end
 */
#define OPERATIONS 4	/* that are committed, single ones and bulk ones */
#define ABORTS	   2	/* of bulk ones */
#define BUSY	   255
#define MOST	   7	/* counts are smaller */

byte count, gets, side;		/* the word: one store changes it */
byte seq[2], sum[2];		/* of a side: its number, its gets */
byte net[2] = 2;		/* of a side: moved in, less moved out */

/* What really was: how many gets and puts there have been, when. */
byte got, put;
bit was[MOST * MOST];		/* these two were true since the read began */
byte ended;

#define WAS(g, p) was[(g) * MOST + (p)]
#define TRUE_NOW  WAS(got, put) = 1

mtype = { GET, PUT, MOVE };	/* what a bulk operation does with one object */

/* Steps 5 to 8 of a bulk sequence, and 9: the commit.  See pool/record.c. */
inline commit()
{
	atomic {
		if
		:: what == GET -> got++
		:: what == PUT -> put++
		:: what == MOVE
		fi;
		count = (what == PUT -> count + 1 : count - 1);
		gets = 0;
		side = o;
		TRUE_NOW;
		done++
	}
}

proctype writer()
{
	mtype what;
	byte done, aborts, s, o, before;

	do
	:: done == OPERATIONS || (count == 0 && got == put) -> break
	:: atomic { done < OPERATIONS && count > 0 -> /* a pop */
		count--; gets++; got++; TRUE_NOW; done++
	   }
	:: atomic { done < OPERATIONS && got > put -> /* a push */
		count++; put++; TRUE_NOW; done++
	   }
	:: done < OPERATIONS && (count > 0 || got > put) ->
		atomic {
			s = side; o = 1 - side; before = gets;
			if
			:: count > 0 -> what = GET
			:: count > 0 -> what = MOVE
			:: got > put -> what = PUT
			fi
		};
#ifdef WORD_EARLY
		commit();
#endif
#ifndef NO_BUSY
		seq[o] = BUSY;
#endif
		sum[o] = sum[s] + before + (what == GET -> 1 : 0);
		net[o] = net[s] - (what == MOVE -> 1 : 0);
		if
		:: aborts < ABORTS -> aborts++; goto again
		:: skip
		fi;
		seq[o] = seq[s] + 1;
		if
		:: aborts < ABORTS -> aborts++; goto again
		:: skip
		fi;
#ifndef WORD_EARLY
		commit();
#endif
again:
		skip
	od;
	ended++
}

/* pool/record.c: record_try(), until it believes what it has read. */
proctype reader()
{
	byte s, e, n, g, w, x, i;
	bit believed;

	atomic { /* from now on */
		do
		:: i < MOST * MOST -> was[i] = 0; i++
		:: else -> i = 0; break
		od;
		TRUE_NOW
	};
	s = side;
	do
	:: believed -> break
	:: !believed ->
		e = seq[s];
#ifndef NO_FIRST_WORD
		x = side;
#else
		x = s;
#endif
		if
		:: e == BUSY || x != s -> s = x; goto next
		:: else
		fi;
		g = sum[s];
		w = net[s];
		atomic { n = count; i = gets; x = side };
#ifdef NO_LAST_WORD
		x = s;
#endif
		if
		:: x != s -> s = x; goto next
		:: else
		fi;
#ifdef NO_LAST_NUMBER
		believed = 1;
#else
		believed = (seq[s] == e);
#endif
next:
		skip
	od;
	/* gets and puts, as record_read() says them */
	assert(g + i < MOST && g + i + n >= w && g + i + n - w < MOST);
	assert(WAS(g + i, g + i + n - w));
	ended++
}

init
{
	atomic {
		count = 2;
		TRUE_NOW;
		run writer();
		run reader()
	};
	ended == 2
}
