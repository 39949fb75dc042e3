# SPDX-License-Identifier: GPL-2.0-only
#
# Of what a suite printed: kernel, suite, result (ok, FAIL or skip) and name of each
# test and subtest, with tabs. -v kernel=NAME -v suite=NAME
#
# test_progs has "#1/2  test/subtest:OK", FAIL or SKIP, where the name may be
# anything, and repeats what failed. A test that is not ok because its subtests are
# not ("OK (SKIP: 1/2)" is one, too) has no line of its own here.
BEGIN {
	OFS = "\t"
	word["OK"] = "ok"
	word["FAIL"] = "FAIL"
	word["SKIP"] = "skip"
}

match($0, /^#[0-9]+(\/[0-9]+)? +/) {
	subtest = index(substr($0, 1, RLENGTH), "/")
	name = substr($0, RLENGTH + 1)
	sub(/:OK \(SKIP: [0-9]+\/[0-9]+\)$/, ":OK", name)
	if (match(name, /:(OK|FAIL|SKIP)$/)) {
		result = word[substr(name, RSTART + 1)]
		name = substr(name, 1, RSTART - 1)
		if (!(name in results))
			order[++n] = name
		results[name] = result
		if (subtest)
			below[substr(name, 1, index(name, "/") - 1), result]
	}
}

{ last = $0 }

END {
	status = last ~ /^exit status [0-9]+$/ ? substr(last, 13) + 0 : -1
	for (i = 1; i <= n; i++) {
		result = results[order[i]]
		if (result == "FAIL")
			failed = 1
		if (result == "ok" || !((order[i], result) in below))
			print kernel, suite, result, order[i]
	}
	# test_maps tells of no tests; others may end in another way than they say.
	if (!n || (status != 0 && !failed))
		print kernel, suite, status == 0 ? "ok" : "FAIL", suite
}
