# SPDX-License-Identifier: GPL-2.0-only
#
# Compares kernels: reads kernel/known, then what results.awk made, and prints a
# table of suites and kernels, and what there is to say about them. Exit status 1
# if something is not ok and not known. -v kernels="NAME NAME..."
#
# A cell is the worst of: ok; skip, known (as kernel/known has it); SKIP, FAIL.
# A reason that begins with "skipped" is none for a failure; "skipped by chance" need
# not happen.
function excused(kernel, name, result) {
	return result != "ok" && (kernel, name) in reason &&
	       !(result == "FAIL" && reason[kernel, name] ~ /^skipped/)
}

BEGIN {
	FS = "\t+"
	columns = split(kernels, column, " ")
	split("ok skip known SKIP FAIL", cells, " ")
	for (i in cells)
		rank[cells[i]] = i
}

FNR == NR {
	for (i = 1; i <= columns && !/^(#|$)/; i++)
		if ($2 == "all" || index("," $2 ",", "," column[i] ","))
			reason[column[i], $1] = $3
	next
}

{
	kernel = $1; suite = $2; result = $3; name = $4
	if (!(suite in rows)) {
		rows[suite]
		row[++nr_rows] = suite
	}
	split(name, part, "/")
	ran[kernel, part[1]]
	if (excused(kernel, name, result)) {
		text[reason[kernel, name]] = text[reason[kernel, name]] "\n  " name ", " kernel
		happened[kernel, name]
		if (result == "FAIL")
			result = "known"
	} else if (result != "ok") {
		result = toupper(result)
		bad = bad "\n  " result " " name ", " kernel
	}
	if (rank[result] > rank[cell[kernel, suite]])
		cell[kernel, suite] = result
}

function line(first, cells_of,    i) {
	printf "%-22s", first
	for (i = 1; i <= columns; i++)
		printf "  %-*s", length(column[i]), cells_of == "" ? column[i] : cell[column[i], cells_of]
	print ""
}

END {
	line("", "")
	for (i = 1; i <= nr_rows; i++)
		line(row[i], row[i])
	for (why in text)
		print "\nKnown: " why text[why]
	for (key in reason) {
		split(key, part, SUBSEP)
		split(part[2], test, "/")
		if ((part[1], test[1]) in ran && !(key in happened) &&
		    reason[key] !~ /^skipped by chance/)
			stale = stale "\n  " part[2] ", " part[1]
	}
	if (stale != "")
		print "\nIn kernel/known, and ok:" stale
	if (bad != "")
		print "\nNot ok:" bad
	exit bad != ""
}
