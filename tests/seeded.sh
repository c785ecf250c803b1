#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A test that cannot fail proves nothing: two of the deliberate bugs of
# tests/mutants/, one of which the stress has to notice and the other the
# torture of retirement.  "make mutants" tries them all.
exec scripts/mutants.sh -q drain-no-fence grace-late-inbox
